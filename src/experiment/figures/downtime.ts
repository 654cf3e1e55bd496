import { formatDuration } from "../duration.js";
import { gapsOf, lengthMs, longestGap } from "../gaps.js";
import type { Gap } from "../gaps.js";
import type { RunSummary } from "../summary.js";
import type { Figure } from "./canvas.js";
import { lanesFigure } from "./lanes.js";
import { phaseColours } from "./palette.js";
import type { Lane } from "./panel.js";

/** Room behind the longest bar for its note, as a part of the bar. */
const NOTE_ROOM = 0.22;

/** The downtime of a run as one bar, and below it each of its phases at the time when it lasted. */
export function downtimeFigure(run: RunSummary): Figure {
  const gap = longestGap(gapsOf(run.phases));
  const lengthOfGap = gap ? lengthMs(gap) : 0;
  const startMs = gap?.startMs ?? 0;
  const inSeconds = lengthOfGap >= 1000;
  return lanesFigure({
    title: `${run.guest} by ${run.strategy}: downtime ${formatDuration(run.downtime.virtualMs)}`,
    subtitle: subtitleOf(run, gap),
    overview: {
      lanes: [totalLane(run, gap), ...(gap ? phaseLanes(run, gap) : [])],
      laneHeight: 40,
      axisTitle: `virtual time since the downtime began (${inSeconds ? "s" : "ms"})`,
      fromMs: startMs,
      toMs: startMs + Math.max(1, lengthOfGap * (1 + NOTE_ROOM)),
      originMs: startMs,
      unitMs: inSeconds ? 1000 : 1,
    },
  });
}

/** Names the pauses that the user had besides: they are short, but they are not hidden. */
function subtitleOf(run: RunSummary, downtime: Gap | undefined): string {
  if (!downtime) return "No phase kept the user waiting";
  const others = gapsOf(run.phases).filter((gap) => gap.startMs !== downtime.startMs);
  const longest = "The longest time without an answer to the probe";
  if (others.length === 0) return longest;
  const named = others.map(
    (gap) =>
      `${gap.phases.map((phase) => phase.name).join(" + ")} ${formatDuration(lengthMs(gap))}`,
  );
  return `${longest}; besides it: ${named.join(", ")}`;
}

function totalLane(run: RunSummary, gap: Gap | undefined): Lane {
  const colourOf = phaseColours([run]);
  const phases = gap?.phases ?? [];
  return {
    name: "downtime",
    segments: phases.map(({ name, startMs, endMs }) => ({
      label: "",
      fromMs: startMs,
      toMs: endMs,
      colour: colourOf(name),
    })),
    note: formatDuration(gap ? lengthMs(gap) : run.downtime.virtualMs),
  };
}

function phaseLanes(run: RunSummary, gap: Gap): Lane[] {
  const colourOf = phaseColours([run]);
  return gap.phases.map((phase) => {
    const length = lengthMs(phase);
    const percent = (length / lengthMs(gap)) * 100;
    const share = percent < 1 ? "< 1" : percent.toFixed(0);
    return {
      name: phase.name,
      segments: [
        { label: "", fromMs: phase.startMs, toMs: phase.endMs, colour: colourOf(phase.name) },
      ],
      note: `${formatDuration(length)}  (${share} %)`,
    };
  });
}

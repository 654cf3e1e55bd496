import type { MachineRole } from "../../reboot/report.js";
import { formatDuration } from "../duration.js";
import { gapsOf, lengthMs, longestGap } from "../gaps.js";
import type { Gap } from "../gaps.js";
import { outcomeOf } from "../outcome.js";
import type { RunSummary } from "../summary.js";
import type { Figure } from "./canvas.js";
import { lanesFigure } from "./lanes.js";
import { IN_USE, phaseColours } from "./palette.js";
import type { Lane, Panel, Segment } from "./panel.js";

/** A downtime that takes less of the run than this is enlarged in a panel of its own. */
const ENLARGE_BELOW = 0.1;

/** How far the axis goes on behind the run, so that one sees what the user has then. */
const AFTERMATH = 0.24;

const LANE_HEIGHT = 86;

/**
 * What happened in a run: a lane a machine, its phases as bars, the time in which the user waits shaded
 * across, and the switch-over enlarged where it is too short to be seen.
 */
export function timelineFigure(run: RunSummary): Figure {
  const gaps = gapsOf(run.phases);
  const downtime = longestGap(gaps);
  const endMs = Math.max(1000, ...run.phases.map((phase) => phase.endMs));
  const enlarged = downtime && lengthMs(downtime) < endMs * ENLARGE_BELOW ? downtime : undefined;
  const overview = overviewOf(run, gaps, endMs, enlarged);
  return lanesFigure({
    title: run.committed
      ? `${run.guest} updated by ${run.strategy}: Linux ${run.kernelBefore} → ${run.kernelAfter}`
      : `${run.guest} not updated by ${run.strategy}: Linux ${run.kernelAfter} stays`,
    subtitle: subtitleOf(run),
    overview,
    ...(enlarged && { detail: detailOf(run, enlarged) }),
  });
}

/** One line: how the run went, and how long the user waited. */
function subtitleOf(run: RunSummary): string {
  const where = run.failure === null ? "" : ` in phase ${run.failure.phase}`;
  const outcome = `Update ${outcomeOf(run)}${where}`;
  const behind = run.phases
    .filter((phase) => phase.machine === "reboot-dedicated" && !phase.downtime)
    .reduce((sum, phase) => sum + lengthMs(phase), 0);
  const background = behind > 0 ? `, ${formatDuration(behind)} of work in the background` : "";
  return `${outcome}, downtime ${formatDuration(run.downtime.virtualMs)}${background} (virtual time)`;
}

const MACHINES: readonly { role: MachineRole; name: string }[] = [
  { role: "original", name: "original VM" },
  { role: "reboot-dedicated", name: "reboot-dedicated VM" },
];

function overviewOf(
  run: RunSummary,
  gaps: readonly Gap[],
  endMs: number,
  enlarged: Gap | undefined,
): Panel {
  const longest = longestGap(gaps);
  const toMs = endMs * (1 + AFTERMATH);
  const colourOf = phaseColours([run]);
  const lanes = MACHINES.flatMap(({ role, name }): Lane[] => {
    const phases = run.phases.filter((phase) => phase.machine === role);
    if (phases.length === 0 && role !== "original") return [];
    const segments = phases
      .filter((phase) => !enlarged?.phases.includes(phase))
      .map((phase): Segment => ({
        label: labelOf(phase),
        fromMs: phase.startMs,
        toMs: phase.endMs,
        colour: colourOf(phase.name),
      }));
    const seat = seatIn(role, gaps, toMs);
    return [{ name, segments, ...(seat && { background: inUse(run, gaps, segments, seat) }) }];
  });
  return {
    lanes,
    shades: gaps.map((gap) => ({
      label: gap === longest ? `downtime ${formatDuration(lengthMs(gap))}` : "",
      fromMs: gap.startMs,
      toMs: gap.endMs,
    })),
    laneHeight: LANE_HEIGHT,
    axisTitle: "virtual time since the start of the run (s)",
    fromMs: 0,
    toMs,
    originMs: 0,
    unitMs: 1000,
  };
}

function labelOf(phase: { name: string; startMs: number; endMs: number }): string {
  return `${phase.name} ${formatDuration(phase.endMs - phase.startMs)}`;
}

/** A stretch of time. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When a machine is the user's: the original one until the user is switched over to another, if that happens. */
function seatIn(role: MachineRole, gaps: readonly Gap[], toMs: number): Stretch | null {
  const last = gaps.at(-1);
  const handedOver = last?.phases.at(-1)?.machine === "reboot-dedicated";
  if (last === undefined || !handedOver) return role === "original" ? { fromMs: 0, toMs } : null;
  return role === "original" ? { fromMs: 0, toMs: last.startMs } : { fromMs: last.endMs, toMs };
}

/** When the user can work: always but in the gaps, and seen wherever no phase lies above it. */
function inUse(
  run: RunSummary,
  gaps: readonly Gap[],
  segments: readonly Segment[],
  seat: Stretch,
): Segment[] {
  const covered = [
    ...segments,
    ...gaps.map((gap) => ({ fromMs: gap.startMs, toMs: gap.endMs })),
  ].sort((a, b) => a.fromMs - b.fromMs);
  const switchedMs = gaps.at(-1)?.endMs ?? 0;
  const free: Segment[] = [];
  let { fromMs } = seat;
  for (const next of [...covered, { fromMs: seat.toMs, toMs: seat.toMs }]) {
    const toMs = Math.min(next.fromMs, seat.toMs);
    if (toMs > fromMs) {
      const kernel = fromMs >= switchedMs ? run.kernelAfter : run.kernelBefore;
      free.push({ label: `in use, ${kernel}`, fromMs, toMs, colour: IN_USE });
    }
    fromMs = Math.max(fromMs, next.toMs);
  }
  return free;
}

function detailOf(run: RunSummary, gap: Gap): Panel {
  const colourOf = phaseColours([run]);
  const margin = lengthMs(gap) * 0.04;
  return {
    lanes: MACHINES.flatMap(({ role, name }) => {
      const segments = gap.phases
        .filter((phase) => phase.machine === role)
        .map((phase) => ({
          label: labelOf(phase),
          fromMs: phase.startMs,
          toMs: phase.endMs,
          colour: colourOf(phase.name),
        }));
      return segments.length > 0 ? [{ name, segments }] : [];
    }),
    shades: [
      { label: `downtime ${formatDuration(lengthMs(gap))}`, fromMs: gap.startMs, toMs: gap.endMs },
    ],
    laneHeight: LANE_HEIGHT,
    axisTitle: "enlarged: virtual time since the downtime began (ms)",
    fromMs: gap.startMs - margin,
    toMs: gap.endMs + margin,
    originMs: gap.startMs,
    unitMs: 1,
  };
}

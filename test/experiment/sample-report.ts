import { after, virtualMs, wallMs } from "../../src/clock/virtual-time.js";
import type {
  ConsoleOutput,
  MachineRole,
  Phase,
  ProbeAnswer,
  RunEvent,
  RunReport,
} from "../../src/reboot/report.js";

/** A phase as a story tells it: how long, on which machine, whether the user waits. */
type Step = readonly [name: string, ms: number, machine: MachineRole, downtime: boolean];

const REBOOT: readonly Step[] = [
  ["apply-update", 2400, "original", false],
  ["shutdown", 2300, "original", true],
  ["firmware", 100, "original", true],
  ["boot-loader", 400, "original", true],
  ["kernel", 5100, "original", true],
  ["init", 900, "original", true],
  ["first-answer", 20, "original", true],
];

const SHADOW: readonly Step[] = [
  ["apply-update", 2400, "original", false],
  ["vm-fork", 14, "original", true],
  ["shutdown", 2310.25, "reboot-dedicated", false],
  ["firmware", 100, "reboot-dedicated", false],
  ["boot-loader", 400, "reboot-dedicated", false],
  ["kernel", 5104.5, "reboot-dedicated", false],
  ["init", 900, "reboot-dedicated", false],
  ["health-check", 180, "reboot-dedicated", false],
  ["freeze-home", 6, "original", true],
  ["attach-home", 12, "reboot-dedicated", true],
  ["capture", 13, "reboot-dedicated", true],
  ["restore", 13, "original", true],
  ["first-answer", 2, "original", true],
];

/** Phases that follow each other without a break, from the start of the run. */
export function phasesOf(steps: readonly Step[]): Phase[] {
  let now = virtualMs(0);
  return steps.map(([name, ms, machine, downtime]) => {
    const startMs = now;
    now = after(startMs, ms);
    return { name, machine, startMs, endMs: now, wallMs: wallMs(ms * 1.31337), downtime };
  });
}

const PROBE_EVERY_MS = 10;

/** A question every 10 ms and, while no phase of the downtime lasts, an answer 0.4 ms later. */
function probeOf(phases: readonly Phase[]): ProbeAnswer[] {
  const endMs = phases.at(-1)?.endMs ?? 0;
  const answers: ProbeAnswer[] = [];
  for (let sent = 0; sent < endMs; sent += PROBE_EVERY_MS) {
    const waiting = phases.some((p) => p.downtime && p.startMs <= sent && sent < p.endMs);
    answers.push({
      sentMs: virtualMs(sent),
      answeredMs: waiting ? null : virtualMs(sent + 0.4),
    });
  }
  return answers;
}

const CONSOLES: readonly ConsoleOutput[] = [
  { atMs: virtualMs(10), machine: "original", line: 0, bytes: new TextEncoder().encode("login: ") },
  {
    atMs: virtualMs(12.5),
    machine: "original",
    line: 1,
    bytes: new TextEncoder().encode("pong\n"),
  },
  {
    atMs: virtualMs(4900),
    machine: "reboot-dedicated",
    line: 0,
    bytes: new TextEncoder().encode("Linux version 6.1.0-50-686\r\n"),
  },
];

/** A made-up, plausible run that a test may bend to its purpose. */
export function sampleReport(
  strategy: "reboot" | "shadow",
  changes: Partial<RunReport> = {},
): RunReport {
  const phases = phasesOf(strategy === "reboot" ? REBOOT : SHADOW);
  const events: RunEvent[] = [
    { atMs: virtualMs(0), kind: "probe-started", machine: "original" },
    {
      atMs: virtualMs(2400),
      kind: "update-applied",
      machine: "original",
      detail: { kernel: "6.1.0-50-686", bytes: 5_312_768 },
    },
    { atMs: virtualMs(phases.at(-1)?.endMs ?? 0), kind: "commit" },
  ];
  return {
    guest: "busybox",
    strategy,
    kernelBefore: "6.1.0-47-686",
    kernelAfter: "6.1.0-50-686",
    committed: true,
    failure: null,
    hasShell: true,
    downtime:
      strategy === "reboot"
        ? { virtualMs: virtualMs(8820), wallMs: wallMs(11_583.923) }
        : { virtualMs: virtualMs(46), wallMs: wallMs(60.415) },
    programs: [
      { name: "shell", survived: false },
      { name: "counter", survived: strategy === "shadow" },
    ],
    heartbeat: strategy === "shadow" ? { beats: 20_000, gapMs: virtualMs(45.5) } : null,
    background:
      strategy === "shadow"
        ? { tookMs: virtualMs(9000), userRanMs: virtualMs(200), userWaitedMs: virtualMs(50) }
        : null,
    files: null,
    phases,
    events,
    consoles: CONSOLES,
    probe: probeOf(phases),
    digest: strategy === "reboot" ? "5e".repeat(32) : "ad".repeat(32),
    ...changes,
  };
}

import { REGISTER_NAMES } from "../../src/guest/ptrace.js";
import type { Mapping, ThreadImage, TreeImage } from "../../src/process/image.js";

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff);

/** A mapping of private memory, as of a heap. */
export const anonymous = (start: number, end: number, more: Partial<Mapping> = {}): Mapping => ({
  start,
  end,
  protection: 3,
  growsDown: false,
  locked: false,
  shared: false,
  offset: 0,
  file: null,
  openFile: null,
  ...more,
});

const thread: ThreadImage = {
  tid: 20_001,
  name: "counter",
  // The entries have just these names.
  registers: Object.fromEntries(
    REGISTER_NAMES.map((name, index) => [name, index - 8]),
  ) as ThreadImage["registers"],
  fpx: bytes(512),
  threadAreas: [bytes(16)],
  signalMask: bytes(8),
  pending: [],
  signalStack: bytes(12),
  robustList: { address: 0xb7f0_0000, bytes: 12 },
  clearTid: 0xb7f0_1000,
  rseq: null,
  credentials: {
    uids: [1000, 1000, 1000, 1000],
    gids: [100, 100, 100, 100],
    groups: [10, 70_000],
    capabilities: {
      inheritable: 0n,
      permitted: 0n,
      effective: 0n,
      bounding: 2n ** 41n - 1n,
      ambient: 0n,
    },
    secureBits: 0,
    noNewPrivileges: true,
  },
  scheduling: {
    policy: 0,
    flags: 0n,
    nice: 7,
    priority: 0,
    runtimeNs: 0n,
    deadlineNs: 0n,
    periodNs: 0n,
    affinity: bytes(4),
    ioPriority: 0,
  },
  seccomp: { mode: "filter", filters: [{ program: bytes(16), log: false }] },
  flags: { deathSignal: 0, timerSlackNs: 50_000, personality: 0 },
};

/** An image of one small process that uses a little of everything that is stored in a way of its own. */
export const SAMPLE_IMAGE: TreeImage = {
  kernel: "6.1.0-47-686",
  clocks: { realtime: 1_767_225_600_000_000_000n, monotonic: -5n, boottime: 2n ** 62n },
  files: [{ kind: "path", path: "/home/ä", flags: 0, position: 3 }],
  shmFiles: [],
  systemV: { segments: [], semaphores: [], queues: [] },
  processes: [
    {
      pid: 20_001,
      parent: null,
      group: 20_001,
      session: 1,
      controllingTerminal: null,
      stoppedBy: null,
      executable: "/bin/busybox",
      workingDirectory: "/home",
      rootDirectory: "/",
      umask: 0o22,
      limits: [[1024n, 2n ** 64n - 1n]],
      cgroups: [],
      flags: { dumpable: true, subreaper: false, hugePagesDisabled: false, coreDumpFilter: 0x33 },
      oomScoreAdjustment: 0,
      memoryLayout: Array.from({ length: 11 }, (_, index) => 0x0804_8000 + index),
      auxiliaryVector: bytes(32),
      mappings: [anonymous(0x0900_0000, 0x0900_2000)],
      attachments: [],
      vdso: { address: 0xb7ff_0000, image: bytes(64) },
      pages: {
        addresses: Uint32Array.of(0x0900_0000, 0x0900_1000),
        content: bytes(8192),
      },
      actions: [{ signal: 15, action: bytes(20) }],
      pending: [],
      intervalTimers: [bytes(16), bytes(16), bytes(16)],
      posixTimers: [],
      descriptors: [{ number: 0, file: 0, closeOnExec: false, locks: [], owner: null }],
      threads: [thread],
    },
  ],
  ended: [],
};

import { prepareFollowed } from "../experiment/preparation.js";
import { guestProfile } from "../experiment/prepared-guest.js";
import { DEFAULT_HOST } from "../host/config.js";
import { runUpdate } from "../reboot/update.js";
import type { Figure } from "./figure.js";

const MEGABYTES = [4, 16, 64, 128];

/** Fills memory, then changes three pages every 10 ms, about 1 MB a second; on SIGUSR1 it looks at all it has filled. */
const program = (megabytes: number): string => `python3 -c '
import signal, time
memory = bytearray(${megabytes} << 20)
pages = range(0, len(memory), 4096)
for at in pages: memory[at] = 1 + at // 4096 % 251
def check(*_):
  whole = all(memory[at] == 1 + at // 4096 % 251 for at in pages)
  open("/home/verdict", "w").write("whole" if whole else "damaged")
signal.signal(signal.SIGUSR1, check)
open("/home/filled", "w").close()
turn = 0
while True:
  time.sleep(0.01)
  for _ in range(3):
    turn += 1
    memory[turn * 4096 % len(memory) + 1] = turn % 256
' & memory=$!; until [ -e /home/filled ]; do sleep 1; done`;

const CHECK = 'kill -USR1 $memory && sleep 5 && [ "$(cat /home/verdict)" = whole ]';

/**
 * How long, in virtual time, a process of so much memory that changes 1 MB of it a second stands still in the
 * switch-over of `shadow-transplant`. The pause of the VM fork grows with the VM's memory and is not part of it.
 */
export async function preCopy(progress: (step: string) => void): Promise<Figure[]> {
  const follower = { show: () => undefined, signal: new AbortController().signal };
  const guest = await prepareFollowed("workbench", follower);
  const profile = guestProfile(guest, "kernel");

  async function downtimeMs(megabytes: number): Promise<number> {
    progress(`shadow-transplant with a process of ${megabytes} MB`);
    const memory = { name: "memory", start: program(megabytes), check: CHECK };
    const report = await runUpdate({
      strategy: "shadow-transplant",
      host: DEFAULT_HOST,
      guest: { ...profile, programs: [memory], services: [] },
      bootSnapshot: guest.bootSnapshot,
      startMachine: (name) => guest.startMachine(name),
      wallNow: () => performance.now(),
    });
    const checked = report.events.find(({ kind }) => kind === "session-checked");
    if (!report.committed || checked?.detail?.survived !== "memory") {
      throw new Error(
        `the process of ${megabytes} MB did not survive: ${report.failure?.message ?? ""}`,
      );
    }
    const switchOver = report.phases.filter((phase) => phase.downtime && phase.name !== "vm-fork");
    return switchOver.reduce((ms, { startMs, endMs }) => ms + (endMs - startMs), 0);
  }

  const figures: Figure[] = [];
  const [least = 4] = MEGABYTES;
  const reference = [await downtimeMs(least)];
  for (const megabytes of MEGABYTES.slice(1)) {
    figures.push({
      name: `switch-over with a process of ${megabytes} MB, against one of ${least} MB`,
      unit: "ms",
      ours: [await downtimeMs(megabytes)],
      reference,
      ratio: { atMost: 1.5 },
      atMost: 50,
    });
  }
  return figures;
}

import { type CommandLink, linkStub } from "../guest/command-link.js";
import type { ProcessCommands } from "../process/engine.js";
import type { Run } from "./run.js";
import type { Vm } from "./vm.js";

/** The near end of a stub in a guest. */
export type StubLink = CommandLink<ProcessCommands>;

/** How long a guest's attendant may take to start a stub, in ms. */
const START_LIMIT_MS = 10_000;

/** Has the attendant of a VM start a stub, and wake it for each command. */
export function startStub({ host }: Run, { machine, attendant }: Vm): Promise<StubLink> {
  return linkStub<ProcessCommands>(machine, {
    async start() {
      await attendant.ask("stub", START_LIMIT_MS);
    },
    wake: (pid) => attendant.wake(pid),
    advance: (until) => host.advanceTo(host.hostTime(machine, until)),
  });
}

import type { VirtualMs } from "../clock/virtual-time.js";
import type { InputLog } from "./input-log.js";
import type { Machine } from "./machine.js";

/**
 * Gives a machine the inputs of a log, each at its moment, and runs it to `until`. If the machine is
 * as fresh as the logged one was when its log began (restored from the same snapshot, for the first
 * time since it was switched on), it then stands where the logged one did, to the bit.
 */
export async function replay(machine: Machine, log: InputLog, until: VirtualMs): Promise<void> {
  for (const input of log) {
    await machine.run({ until: input.atMs });
    switch (input.kind) {
      case "serial":
        await machine.send({ ...input, ifRead: false });
        break;
      case "reset":
        await machine.reset();
        break;
      case "serve-disk":
        await machine.serveDisk(input.service);
        break;
      case "stall":
        await machine.stall(input.untilMs);
        break;
      case "write-memory":
        await machine.writeMemory(input.address, input.bytes);
        break;
      case "ask-resident":
        await machine.askResident(input.request);
        break;
      case "withhold-disk":
        await machine.withholdDisk(input.disk);
        break;
      case "withhold-disk-at-reset":
        await machine.withholdDiskAtReset(input.disk);
        break;
      case "attach-disk":
        await machine.attachDisk(input.disk, input.overlay);
        break;
    }
  }
  await machine.run({ until });
}

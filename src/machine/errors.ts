import type { VirtualMs } from "../clock/virtual-time.js";

/** A machine stopped for good: the emulator gave up, or its worker ended. Nothing else is harmed. */
export class MachineDied extends Error {
  override readonly name = "MachineDied";

  /**
   * @param machine name of the machine
   * @param reason what ended it, in a few words
   * @param at its clock when it was last known to live
   */
  constructor(
    readonly machine: string,
    readonly reason: string,
    readonly at: VirtualMs,
    options?: ErrorOptions,
  ) {
    super(`The machine "${machine}" died at ${at.toFixed(3)} ms: ${reason}`, options);
  }
}

/** A bounded wait ended without what it waited for. */
export class WaitExpired extends Error {
  override readonly name = "WaitExpired";

  /**
   * @param machine name of the machine
   * @param what what was waited for, so that it completes "waited for ..."
   * @param limitMs how long, in ms of virtual time
   * @param lastOutput the end of what the guest wrote meanwhile
   */
  constructor(
    readonly machine: string,
    readonly what: string,
    readonly limitMs: number,
    readonly lastOutput: string,
  ) {
    const tail = lastOutput.trim() === "" ? "It wrote nothing." : `It last wrote:\n${lastOutput}`;
    super(`The machine "${machine}": waited ${limitMs} ms of virtual time for ${what}. ${tail}`);
  }
}

/** A machine was asked for something that its configuration or its state does not allow. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

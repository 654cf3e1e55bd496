import type { MountPoint } from "../guest/file-systems.js";
import { NotUndone } from "./errors.js";
import { ANSWER_LIMIT_MS, TURN_LIMIT_MS } from "./limits.js";
import type { Run } from "./run.js";
import { startStub, type StubLink } from "./stub-link.js";

const mountedAt = (path: string): MountPoint => ({ device: "", path, type: "" });

/**
 * Lets the original VM's disks be written to and its programs go on, however far a switch-over had come. If its
 * stub is gone, another one does what can be done without it. The stub leaves.
 *
 * @param failure why the switch-over is given up
 * @param stopped what the stub may have stopped: programs that it leaves without a word go on with their signals
 *   blocked, and no other stub knows what those were
 * @throws {NotUndone} with the message of `failure`, if the guest cannot be put back as it was
 */
export async function resumeOriginal(
  run: Run,
  source: StubLink,
  failure: unknown,
  stopped: "disks" | "programs, too",
): Promise<void> {
  try {
    // Its turn comes when the stub has done what took too long; to give it up sooner costs the programs. One
    // that is gone looks the same, so that disks stay frozen as long.
    await resumeBy(source, TURN_LIMIT_MS);
  } catch (cause) {
    const notUndone = new NotUndone(failure instanceof Error ? failure.message : String(failure), {
      cause,
    });
    try {
      await resumeBy(await startStub(run, run.original), ANSWER_LIMIT_MS);
    } catch {
      throw notUndone;
    }
    if (stopped === "programs, too") throw notUndone;
  }
}

/** @param firstLimitMs how long the first answer may take */
async function resumeBy(stub: StubLink, firstLimitMs: number): Promise<void> {
  await stub.ask("thawFileSystem", mountedAt("/"), firstLimitMs);
  await stub.ask("thawFileSystem", mountedAt("/home"), ANSWER_LIMIT_MS);
  await stub.ask("thaw", null, ANSWER_LIMIT_MS);
  await stub.leave();
}

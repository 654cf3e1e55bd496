import { describe, expect, test } from "vitest";
import { startProof, verdictOf } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("a program that was captured goes on where it is, as if nothing had been", () => {
  test.each([
    "registers",
    "threads",
    "rseq",
    "private_memory",
    "zombie",
    "pending_signals",
    "posix_timers",
    "restarted_sleep",
    "restarted_calls",
    "vdso_clock",
  ])("%s", async (name) => {
    const { source } = pair;
    const pid = await startProof(source, name);
    const stub = await source.stub();
    for (let time = 0; time < 3; time++) {
      await stub.ask("capture", [{ by: "pid", pid }], 20_000);
      await stub.ask("thaw", null, 20_000);
    }
    await stub.leave();
    expect(await verdictOf(source, name)).toBe(`PASSED ${name}`);
  });
});

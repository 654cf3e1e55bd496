import { expect, test } from "vitest";
import { CommandFailed } from "../../../src/guest/command-link.js";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

/** Expects a proof not to be moved, and to be told so while it runs; it goes on and ends well. */
async function expectRefused(name: string, why: RegExp): Promise<void> {
  await expect(moveProof(pair, name)).rejects.toThrow(CommandFailed);
  const [pid = ""] = (await pair.source.sh(`pidof ${name}`)).trim().split(/\s+/).sort();
  const stub = await pair.source.stub();
  const obstacles = await stub.ask("survey", [{ by: "pid", pid: Number(pid) }], 5000);
  await stub.leave();
  expect(obstacles.map(({ name, what, why }) => `${name}: ${what}: ${why}`).join("\n")).toMatch(
    why,
  );
  pair.source.console.skip();
  await pair.source.console.type(" touch /run/proof-check\n");
  await pair.source.console.expect(new RegExp(`PASSED ${name}\\n`), {
    withinMs: 20_000,
    what: `${name} to go on`,
  });
}

test("a device with hidden state is refused, by its descriptor", () =>
  expectRefused("unsupported_device", /unsupported_dev: \/dev\/\S+: it is a device/));

test("a tracer and its child are refused", () =>
  expectRefused("ptraced_child", /it traces process \d+.*\n.*it is traced by process \d+/));

test("semaphores that a process would give back at its end are refused", () =>
  expectRefused("sysv_sem_undo", /semaphores: .*SEM_UNDO/));

test("process ids that are taken on the new system are named", async () => {
  const stub = await pair.target.stub();
  const obstacles = await stub.ask("surveyTarget", [1, 19_999], 5000);
  await stub.leave();
  expect(obstacles).toEqual([expect.objectContaining({ pid: 1, name: "init" })]);
});

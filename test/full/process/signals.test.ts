import { describe, expect, test } from "vitest";
import { move, moveProof, type Side, unmountHome } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("signals and interrupted calls go along to another kernel", () => {
  test.each([
    "signal_handlers",
    "alternate_stack",
    "inside_handler",
    "signal_mask",
    "pending_signals",
    "restarted_calls",
    "restarted_sysv",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});

describe("SIGTRAP, by which calls in a stopped program come to their end", () => {
  const SIGTRAP_BIT = 0x10n;
  const startAs = async (side: Side, command: string): Promise<number> => {
    const said = await side.sh(`${command} >/dev/null 2>&1 & echo "started $!"`);
    return Number(/started (\d+)/.exec(said)?.[1]);
  };
  const signals = async (side: Side, name: string, pid: number): Promise<bigint> =>
    BigInt(`0x${await side.sh(`sed -n 's/^${name}:\\s*//p' /proc/${pid}/status`)}`);

  test("is left to a program that ignores it, and to one that has one waiting", async () => {
    const { source, target } = pair;
    const ignoring = await startAs(source, "sh -c 'trap \"\" TRAP; exec sleep 1000'");
    const stopped = await startAs(source, "sleep 1000");
    await source.sh(`kill -STOP ${stopped}`);
    // Once it stands still, a signal that it handles waits.
    await source.pass(100);
    await source.sh(`kill -TRAP ${stopped}`);
    await move(pair, ignoring, stopped);
    expect((await signals(target, "SigIgn", ignoring)) & SIGTRAP_BIT).toBe(SIGTRAP_BIT);
    expect((await signals(target, "ShdPnd", ignoring)) & SIGTRAP_BIT).toBe(0n);
    expect((await signals(target, "ShdPnd", stopped)) & SIGTRAP_BIT).toBe(SIGTRAP_BIT);
    expect((await target.sh(`cut -d' ' -f3 /proc/${stopped}/stat`)).trim()).toBe("T");
    await target.sh(`kill -9 ${ignoring} ${stopped}`);
    await unmountHome(target);
  });

  test("keeps the action that a program has set for it", async () => {
    const { source, target } = pair;
    const handling = await startAs(
      source,
      "sh -c 'trap \"echo trapped >/home/trapped\" TRAP; while :; do usleep 100000; done'",
    );
    await source.pass(300);
    await move(pair, handling);
    expect((await signals(target, "SigCgt", handling)) & SIGTRAP_BIT).toBe(SIGTRAP_BIT);
    expect((await signals(target, "SigBlk", handling)) & SIGTRAP_BIT).toBe(0n);
    await target.sh(`kill -TRAP ${handling}`);
    await target.pass(1000);
    expect((await target.sh("cat /home/trapped; rm /home/trapped")).trim()).toBe("trapped");
    await target.sh(`kill -9 ${handling}`);
    await unmountHome(target);
  });
});

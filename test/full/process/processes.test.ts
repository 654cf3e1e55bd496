import { describe, expect, test } from "vitest";
import { move, moveProof, type Side, unmountHome } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("trees of processes go along to another kernel", () => {
  test.each(["process_tree", "session_groups", "orphaned_group", "zombie"])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});

/** Session, group and state of a process, as its `stat` tells them. */
async function statOf(side: Side, pid: number) {
  const stat = await side.sh(`cat /proc/${pid}/stat`);
  const [state = "", parent, group, session] = stat.replace(/^.*\) /s, "").split(" ");
  return { state, parent: Number(parent), group: Number(group), session: Number(session) };
}

async function start(side: Side, command: string): Promise<number> {
  await side.sh(`rm -f /run/pid; (setsid sh -c '${command}' </dev/null >/dev/null 2>&1 &)`);
  await side.pass(500);
  return Number(await side.sh("cat /run/pid"));
}

test("a daemon whose session leader has ended stays in its session", async () => {
  const { source, target } = pair;
  const daemon = await start(
    source,
    'sh -c "sleep 1000 & echo \\$\\$ >/run/pid; wait" & sleep 0.2',
  );
  const before = await statOf(source, daemon);
  expect(before.session).not.toBe(daemon);

  await move(pair, daemon);

  const { session, group } = await statOf(target, daemon);
  expect({ session, group }).toEqual({ session: before.session, group: before.group });
  const child = Number(await target.sh(`echo $(cat /proc/${daemon}/task/${daemon}/children)`));
  expect(await statOf(target, child)).toMatchObject({ session: before.session });
  await target.sh(`kill ${daemon} ${child}`);
  await unmountHome(target);
});

test("a stopped process stays stopped, and goes on when it is told to", async () => {
  const { source, target } = pair;
  const sleeper = await start(source, "echo $$ >/run/pid; exec sleep 1000");
  await source.sh(`kill -STOP ${sleeper}`);

  await move(pair, sleeper);

  expect((await statOf(target, sleeper)).state).toBe("T");
  await target.sh(`kill -CONT ${sleeper}`);
  expect((await statOf(target, sleeper)).state).toBe("S");
  await target.sh(`kill ${sleeper}`);
  await unmountHome(target);
});

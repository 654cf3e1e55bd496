import { afterAll, beforeAll, expect, test } from "vitest";
import { move, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

/** The disk of /home goes along with each program. */
async function unmountHome(): Promise<void> {
  await pair.target.sh("cd /; sleep 1; umount /home");
}

test("redis-server keeps what it holds only in memory", async () => {
  const { source, target } = pair;
  await source.sh(
    "mkdir -p /home/redis; cd /home/redis; setsid redis-server --save '' --daemonize yes --dir /home/redis --pidfile /home/redis/pid",
  );
  await source.pass(1500);
  expect(await source.sh("(redis-cli set work unsaved; redis-cli rpush list a b c) | cat")).toBe(
    "OK\n3\n",
  );
  await move(pair, Number(await source.sh("cat /home/redis/pid")));
  expect(await target.sh("(redis-cli get work; redis-cli lrange list 0 -1) | cat")).toBe(
    "unsaved\na\nb\nc\n",
  );
  await target.sh("redis-cli shutdown nosave");
  await unmountHome();
});

test("a python prompt in tmux keeps its variables", async () => {
  const { source, target } = pair;
  await source.sh("cd /home; tmux -S /home/tmux new-session -d -s work 'python3 -q'");
  await source.pass(3000);
  await source.sh("tmux -S /home/tmux send-keys -t work 'answer = 6 * 7' Enter");
  await source.pass(500);
  await move(pair, Number(await source.sh("tmux -S /home/tmux display -p '#{pid}'")));
  await target.sh("tmux -S /home/tmux send-keys -t work 'print(answer + 1)' Enter");
  await target.pass(500);
  expect(await target.sh("tmux -S /home/tmux capture-pane -p -t work")).toMatch(/^43$/m);
  await target.sh("tmux -S /home/tmux kill-server");
  await unmountHome();
});

test("sqlite3 goes on inside of an open transaction", async () => {
  const { source, target } = pair;
  await source.sh(
    "cd /home; rm -f db in out; mkfifo in; (sqlite3 db <in >out 2>&1 & exec sleep 1000 >in) >/dev/null 2>&1 & :",
  );
  await source.sh("echo 'create table t(x); begin; insert into t values (7);' >/home/in");
  await source.pass(500);
  // The shell that keeps the fifo open, with sqlite3 as its child.
  await move(pair, Number(await source.sh("ps -o pid,comm | awk '$2 == \"sleep\" {print $1}'")));
  await target.sh("echo 'insert into t values (8); commit; select sum(x) from t;' >/home/in");
  await target.pass(500);
  expect(await target.sh("cat /home/out; sqlite3 /home/db 'select count(*) from t'")).toBe(
    "15\n2\n",
  );
});

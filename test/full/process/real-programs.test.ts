/** Servers and shells at work, moved from one kernel to another. */
import { afterEach, expect, test } from "vitest";
import { move, unmountHome } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

/** The disk of /home goes along with each program. */
afterEach(() => unmountHome(pair.target));

test("redis-server keeps what it holds only in memory, and a client that is connected", async () => {
  const { source, target } = pair;
  await source.sh(
    "mkdir -p /home/redis; cd /home/redis; setsid redis-server --save '' --daemonize yes --dir /home/redis --pidfile /home/redis/pid",
  );
  await source.pass(1500);
  await source.sh(
    "mkfifo in; (redis-cli <in >out & exec sleep 1000 >in) >/dev/null 2>&1 & echo $! >/home/redis/client",
  );
  await source.sh("(echo set work unsaved; echo multi; echo rpush list a b) >in; sleep 1");
  expect(await source.sh("cat out")).toBe("OK\nOK\nQUEUED\n");
  await move(
    pair,
    Number(await source.sh("cat /home/redis/pid")),
    Number(await source.sh("cat /home/redis/client")),
  );
  // What the client had begun is known to the server only by the connection.
  await target.sh("cd /home/redis; (echo rpush list c; echo exec; echo get work) >in; sleep 1");
  expect(await target.sh("cat out")).toBe("OK\nOK\nQUEUED\nQUEUED\n2\n3\nunsaved\n");
  expect(await target.sh("redis-cli client list | grep -c 'cmd=get'")).toBe("1\n");
  await target.sh("redis-cli shutdown nosave; kill $(cat /home/redis/client)");
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
  await target.sh("killall sleep");
});

test("apache2 and its children go on to answer requests, none of which is lost", async () => {
  const { source, target } = pair;
  await source.sh("cd /home; echo hello >page; apache2 -k start; sleep 2");
  const children = await source.sh("pidof apache2");
  expect(children.trim().split(" ").length).toBeGreaterThan(1);
  // Each request is a connection of its own.
  await source.sh(
    "(n=0; while wget -q -O /dev/null http://localhost/page; do n=$((n+1)); echo $n >/home/count; usleep 10000; done; echo lost >/home/count) >/dev/null 2>&1 & echo $! >/home/client; sleep 2",
  );
  await move(
    pair,
    Number(await source.sh("cat /run/apache2.pid")),
    Number(await source.sh("cat /home/client")),
  );
  const before = Number(await target.sh("cat /home/count"));
  expect(before).toBeGreaterThan(10);
  await target.pass(2000);
  expect(Number(await target.sh("cat /home/count"))).toBeGreaterThan(before + 10);
  expect((await target.sh("pidof apache2")).trim().split(" ").sort()).toEqual(
    children.trim().split(" ").sort(),
  );
  await target.sh("kill $(cat /home/client); killall apache2; sleep 1");
});

test("a pipeline in mid-stream loses no byte and doubles none", async () => {
  const { source, target } = pair;
  await source.sh("cd /home; rm -f sum");
  // Slow at its head, so that it is still at work when it is moved.
  const lines = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; usleep 2000; done";
  const rest = "sed 's/7/seven/' | tr 1-5 a-e | md5sum";
  await source.sh(`( (${lines}) | ${rest} >/home/sum) >/dev/null 2>&1 & echo $! >/home/pipeline`);
  await source.pass(300);
  await move(pair, Number(await source.sh("cat /home/pipeline")));
  expect(await target.sh("cat /home/sum")).toBe("");
  for (let second = 0; second < 60; second++) {
    if ((await target.sh("cat /home/sum")) !== "") break;
    await target.pass(1000);
  }
  expect(await target.sh("cat /home/sum")).toBe(
    await target.sh(`seq 1 3000 | sed 's/^/line /' | ${rest}`),
  );
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareFollowed } from "../../src/experiment/preparation.js";
import { guestLogin } from "../../src/experiment/prepared-guest.js";
import { openConsole } from "../../src/machine/console.js";
import type { Machine } from "../../src/machine/machine.js";
import { logIn, runCommand, type Terminal } from "../../src/reboot/vm.js";
import { QUIET } from "../support/quiet.js";

let machine: Machine;
let terminal: Terminal;

beforeAll(async () => {
  const guest = await prepareFollowed("workbench", QUIET);
  machine = await guest.startMachine("workbench");
  await machine.restoreSnapshot(guest.bootSnapshot);
  terminal = { machine, console: openConsole(machine, 0) };
  await logIn(terminal, { login: guestLogin(guest.recipe) });
});

afterAll(() => machine.dispose());

const run = (command: string) => runCommand(terminal, command, 60_000);

describe("the guest workbench runs", () => {
  test.each([
    ["python3 -c 'import json, select, socket, threading, time; print(6 * 7)'", /^42$/m],
    ["perl -e 'print 6 * 7, chr(10)'", /^42$/m],
    ["vim --version", /^VIM - Vi IMproved 9\.0/m],
    ["redis-server --version", /^Redis server v=7\.0/m],
    ["sqlite3 :memory: 'select 6 * 7'", /^42$/m],
    ["tmux -V", /^tmux 3\.3a$/m],
    ["tcc -v", /^tcc version 0\.9\.27/m],
    ["bash --version", /^GNU bash, version 5\.2/m],
    ["strace -V", /^strace -- version 6\.1$/m],
    ["apache2 -v", /^Server version: Apache\/2\.4/m],
    ["locale charmap", /^UTF-8$/m],
  ])("%s", async (command, expected) => {
    const { status, output } = await run(command);
    expect(output).toMatch(expected);
    expect(status).toBe(0);
  });
});

test("a database and a web server answer on localhost", async () => {
  await run("redis-server --port 6379 --daemonize yes --dir /home --logfile /home/redis.log");
  await run("for i in 1 2 3 4 5 6 7 8 9; do redis-cli ping && break; sleep 1; done");
  expect((await run("redis-cli set answer 42 | cat; redis-cli get answer | cat")).output).toBe(
    "OK\n42\n",
  );
  expect(await run("echo 42 >/home/answer && apache2 -k start")).toMatchObject({ status: 0 });
  expect((await run("wget -q -O - http://localhost/answer")).output).toBe("42\n");
});

test("a terminal multiplexer keeps a session", async () => {
  expect(await run("tmux new-session -d -s work 'sleep 1000'")).toMatchObject({ status: 0 });
  expect((await run("tmux list-sessions")).output).toMatch(/^work: 1 windows/);
});

test("a program of threads is compiled in it and runs", async () => {
  const source = [
    "#include <pthread.h>",
    "#include <stdio.h>",
    "static void *answer(void *p) { *(int *)p = 42; return 0; }",
    "int main(void) { int a; pthread_t t; pthread_create(&t, 0, answer, &a);",
    'pthread_join(t, 0); return printf("%d\\n", a) < 0; }',
  ];
  for (const line of source) await run(`echo '${line}' >>/tmp/a.c`);
  expect(await run("tcc -o /tmp/a /tmp/a.c -lpthread && /tmp/a")).toEqual({
    status: 0,
    output: "42\n",
  });
});

test("every proof was compiled when the guest was built", async () => {
  const { output } = await run(
    "cd /usr/src/proof && for i in *.c; do [ -x /usr/lib/proof/${i%.c} ] || echo $i; done",
  );
  expect(output).toBe("");
});

test("there is room for files and for programs", async () => {
  const disk = (await run("df -m / | tail -n 1")).output.trim().split(/\s+/);
  expect(Number(disk[3])).toBeGreaterThan(50);
  const memory = /^MemAvailable: +(\d+) kB/m.exec((await run("cat /proc/meminfo")).output);
  expect(Number(memory?.[1]) / 1024).toBeGreaterThan(120);
});

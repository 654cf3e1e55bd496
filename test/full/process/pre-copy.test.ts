import { afterAll, beforeAll, expect, test } from "vitest";
import { move, moveCopiedAhead, openPair, type Pair, unmountHome } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

/*
 * A Python program with 8 MB of which it knows each page. On SIGUSR1 it does what the file /run/order says, and on
 * SIGUSR2 it checks its memory and writes a verdict.
 */
const PROGRAM = `
import mmap, os, signal, time
page = 4096
memory = {}
def fill(name, pages, first):
  area = mmap.mmap(-1, pages * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
  for at in range(pages): area[at * page:at * page + 4] = (first + at).to_bytes(4, "little")
  memory[name] = (area, [first + at for at in range(pages)])
def obey(*_):
  exec(open("/run/order").read())
  open("/run/obeyed", "w").close()
def check(*_):
  wrong = 0
  for area, wanted in memory.values():
    for at, value in enumerate(wanted):
      wrong += int.from_bytes(area[at * page:at * page + 4], "little") != value
  open("/home/verdict", "w").write("%d areas, %d pages wrong\\n" % (len(memory), wrong))
signal.signal(signal.SIGUSR1, obey)
signal.signal(signal.SIGUSR2, check)
fill("first", 2048, 1000)
open("/run/pid.new", "w").write("%d\\n" % os.getpid())
os.rename("/run/pid.new", "/run/pid")
while True: time.sleep(10)
`;

let pair: Pair;
let pid: number;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(async () => {
  await pair.dispose();
});

async function start(): Promise<void> {
  const { source } = pair;
  await source.sh("rm -f /run/pid /run/order /run/obeyed");
  await source.sh(`echo '${PROGRAM}' >/run/program`);
  await source.sh("(setsid python3 /run/program </dev/null >/dev/null 2>&1 &)");
  pid = Number(await source.sh("until [ -e /run/pid ]; do usleep 100000; done; cat /run/pid"));
  expect(pid).toBeGreaterThan(0);
}

/** Has the program do something in the source. */
async function order(python: string): Promise<void> {
  await pair.source.sh(`echo '${python}' >/run/order`);
  await pair.source.sh(
    `rm -f /run/obeyed; kill -USR1 ${pid}; until [ -e /run/obeyed ]; do usleep 10000; done`,
  );
}

/** What the program says of its memory in the target; it ends then. */
async function verdict(): Promise<string> {
  const { target } = pair;
  const said = await target.sh(
    `rm -f /home/verdict; kill -USR2 ${pid}; until [ -s /home/verdict ]; do usleep 10000; done; cat /home/verdict`,
  );
  await target.sh(`kill -9 ${pid}`);
  await unmountHome(target);
  return said.trim();
}

test("of a program that goes on with its work, only what it changes is moved while it stands still", async () => {
  await start();
  const pages = await moveCopiedAhead(pair, pid, () =>
    order(
      'area, wanted = memory["first"]\nfor at in (1, 700, 2047): area[at * page] = 7; wanted[at] = wanted[at] & ~255 | 7',
    ),
  );
  expect(await verdict()).toBe("1 areas, 0 pages wrong");
  // Its own work takes some as well; all of it would be more than 2048.
  expect(pages).toBeLessThan(300);
});

test("memory that a program takes, gives back, clears and maps again meanwhile is as it left it", async () => {
  await start();
  let turn = 0;
  await moveCopiedAhead(pair, pid, () => {
    turn++;
    return order(`
fill("more${turn}", 300, ${turn * 5000})
area, wanted = memory["first"]
area[${turn} * 100 * page:${turn} * 100 * page + 4] = bytes(4)
wanted[${turn} * 100] = 0
area.madvise(4, ${turn} * 500 * page, 10 * page)
for at in range(${turn} * 500, ${turn} * 500 + 10): wanted[at] = 0
if ${turn} == 2:
  memory.pop("more1")[0].close()
  fill("again", 100, 90000)
`);
  });
  expect(await verdict()).toBe("3 areas, 0 pages wrong");
});

test("a program that has started another one meanwhile moves as a whole", async () => {
  await start();
  let child = 0;
  await moveCopiedAhead(pair, pid, async () => {
    if (child !== 0) return;
    await order(`
child = os.fork()
if child == 0:
  while True: time.sleep(10)
open("/run/child", "w").write("%d\\n" % child)
`);
    child = Number(await pair.source.sh("cat /run/child"));
  });
  expect(await pair.target.sh(`grep PPid /proc/${child}/status`)).toMatch(
    new RegExp(`\\b${pid}\\n`),
  );
  expect(await verdict()).toBe("1 areas, 0 pages wrong");
  await pair.target.sh(`kill -9 ${child}`);
});

test("a page of a file that a program has cleared stays cleared", async () => {
  await start();
  await order(`
open("/home/file", "wb").write(b"x" * 8192)
file = open("/home/file", "r+b")
area = mmap.mmap(file.fileno(), 8192, flags=mmap.MAP_PRIVATE)
area[0:4096] = bytes(4096)
memory["file"] = (area, [0, 0x78787878])
`);
  await move(pair, pid);
  expect(await verdict()).toBe("2 areas, 0 pages wrong");
});

test("a file on the disk that comes along last can be mapped", async () => {
  await start();
  await order(`
open("/home/file", "wb").write(b"x" * 8192)
file = open("/home/file", "r+b")
area = mmap.mmap(file.fileno(), 8192, flags=mmap.MAP_PRIVATE)
area[0:4] = bytes([1, 0, 0, 0])
memory["file"] = (area, [1, 0x78787878])
`);
  const pages = await moveCopiedAhead(pair, pid, () => Promise.resolve());
  expect(await verdict()).toBe("2 areas, 0 pages wrong");
  expect(pages).toBeLessThan(300);
});

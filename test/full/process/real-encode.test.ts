/** An encoder that is moved from one kernel to another in the middle of its work. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareFollowed } from "../../../src/experiment/preparation.js";
import { move, openPair, type Pair, type Side } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { QUIET } from "../../support/quiet.js";

let pair: Pair;

beforeAll(async () => {
  const guest = await prepareFollowed("studio", QUIET);
  pair = await openPair(await twoKernels(guest));
});

afterAll(() => pair.dispose());

const ENCODE =
  "ffmpeg -nostdin -loglevel error -f lavfi -i testsrc=size=160x120:rate=25:duration=40 -c:v mpeg4 -q:v 4 -bitexact -flush_packets 1 -f avi";

/** Lets time pass, a second at a time, until a shell command ends with status 0. */
async function until(side: Side, command: string): Promise<void> {
  for (let second = 0; second < 300; second++) {
    if ((await side.sh(`${command} >/dev/null 2>&1 && echo yes`)) === "yes\n") return;
    await side.pass(1000);
  }
  throw new Error(`this does not come true within 300 s: ${command}`);
}

test("ffmpeg makes the same film, byte for byte, as if it had not been moved", async () => {
  const { source, target } = pair;
  const encode = (name: string) =>
    `(cd /home; ${ENCODE} ${name}.avi; echo $? >${name}.status) >/home/${name}.log 2>&1 & echo $! >/home/${name}.pid`;
  await source.sh(encode("moved"));
  // The first frames are there, and there are many more to come.
  await until(source, "[ -s /home/moved.avi ]");
  const before = Number(await source.sh("stat -c %s /home/moved.avi"));
  await move(pair, Number(await source.sh("cat /home/moved.pid")));

  await until(target, "[ -e /home/moved.status ]");
  expect(await target.sh("cat /home/moved.status /home/moved.log")).toBe("0\n");
  expect(Number(await target.sh("stat -c %s /home/moved.avi"))).toBeGreaterThan(before);
  await target.sh(encode("undisturbed"));
  await until(target, "[ -e /home/undisturbed.status ]");
  expect(await target.sh("cd /home; cmp moved.avi undisturbed.avi && echo same")).toBe("same\n");
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

describe("terminals go along to another kernel", () => {
  test.each(["pty", "pty_queued"])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });

  test("the settings of a terminal of the machine", async () => {
    expect(await moveProof(pair, "console_settings", "/dev/tty2")).toBe("PASSED console_settings");
  });

  test("a pseudo-terminal whose number is taken is refused", async () => {
    await pair.target.sh("exec 7<>/dev/ptmx");
    await expect(moveProof(pair, "pty")).rejects.toThrow(/\/dev\/pts\/0 is taken/);
    await pair.target.sh("exec 7>&-");
  });
});

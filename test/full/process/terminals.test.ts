import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

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

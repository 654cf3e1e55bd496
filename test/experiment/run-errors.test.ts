import { expect, test } from "vitest";
import { RunDirectoryError } from "../../src/experiment/run-directory.js";
import { endedBy } from "../../src/experiment/run-errors.js";
import { CommandFailed } from "../../src/guest/command-link.js";
import { WaitExpired } from "../../src/machine/errors.js";
import { DoesNotApply } from "../../src/reboot/errors.js";

test("a guest that does not answer, or cannot do what it is told, is a failed run", () => {
  const late = new WaitExpired("original", "an answer", 10, "");
  expect(endedBy(late)).toEqual({ outcome: "failed", reason: late.message });
  expect(endedBy(new CommandFailed("capture: no room")).outcome).toBe("failed");
});

test("a strategy that does not apply says why", () => {
  const ended = endedBy(new DoesNotApply("there is no kernel to start"));
  expect(ended).toEqual({ outcome: "does not apply", reason: "there is no kernel to start" });
});

test("a disk that is full and a mistake of the program are no outcome", () => {
  for (const error of [new RunDirectoryError("cannot write"), new TypeError("no function")]) {
    expect(() => endedBy(error)).toThrow(error);
  }
});

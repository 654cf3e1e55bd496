import { describe, test } from "vitest";
import { expectRollbackWhenKilledIn } from "../support/killed-fork.js";

/** Every phase in which the reboot-dedicated VM is needed; what it takes to commit is captured in the last. */
const phases = [
  "note-files",
  "background-shutdown",
  "background-firmware",
  "background-kernel",
  "background-userland",
  "background-login",
  "health-check",
  "prepare-files",
  "plan-files",
  "carry-files",
  "freeze-home",
  "attach-home",
  "capture",
];

/** What `shadow-transplant` does in their place. */
const transplantPhases = [
  "prepare-transplant",
  "plan-files",
  "carry-files",
  "pre-copy",
  "freeze-programs",
  "freeze-home",
  "attach-home",
  "capture-programs",
  "restore-programs",
  "switch-over",
];

describe("killing the reboot-dedicated VM leaves the original VM answering, with nothing lost", () => {
  test.each(phases)("in %s", async (phase) => {
    await expectRollbackWhenKilledIn(phase);
  });

  test.each(transplantPhases)("in %s, while programs are transplanted", async (phase) => {
    await expectRollbackWhenKilledIn(phase, "shadow-transplant");
  });
});

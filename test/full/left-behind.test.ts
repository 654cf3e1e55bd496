import { expect, test } from "vitest";
import { updateBusybox } from "../support/update-busybox.js";

/** A program that cannot be carried: it has a disk open. */
const holder = {
  name: "holder",
  start: "sleep 9999 3</dev/sda & holder=$!",
  check: "kill -0 $holder",
};

test("a program that cannot go along is named, and the update is given up before anything stops", async () => {
  const report = await updateBusybox("shadow-transplant", {}, {}, { programs: [holder] });
  expect(report.committed).toBe(false);
  expect(report.failure?.message).toMatch(
    /process \d+ \(sleep\): descriptor 3, \/dev\/sda: .*--drop leaves such programs behind/,
  );
  expect(report.phases.map(({ name }) => name)).not.toContain("freeze-programs");
  expect(report.events.find(({ kind }) => kind === "session-checked")?.detail).toEqual({
    kept: true,
    survived: "shell counter holder",
  });
});

test("it stays behind if the user says so, and the others go along", async () => {
  const report = await updateBusybox(
    "shadow-transplant",
    {},
    {},
    { programs: [holder], drop: true },
  );
  expect(report.failure).toBeNull();
  expect(report.committed).toBe(true);
  const detail = (kind: string) => report.events.find((event) => event.kind === kind)?.detail;
  expect(detail("left-behind")?.programs).toMatch(/process \d+ \(sleep\): descriptor 3/);
  // Kept would mean all of them.
  expect(detail("session-checked")).toEqual({ kept: false, survived: "shell counter" });
});

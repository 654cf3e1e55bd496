import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** An empty directory that goes away when the test ends. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "shadow-reboot-test-"));
  onTestFinished(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/full/**"],
    globalSetup: ["test/support/prepare.ts"],
    // A guest needs seconds of wall time to boot in an emulator on a busy machine with two cores;
    // every wait inside a test is bounded in virtual time, this is only the outermost net.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    pool: "forks",
    // Code of a guest is mostly run a few times only: to compile it well takes a third more time than it saves.
    execArgv: ["--liftoff-only"],
    maxWorkers: 2,
  },
});

import { defineConfig } from "vitest/config";

/** The long tests: every phase interrupted, fifty updates in a row. They take hours. */
export default defineConfig({
  test: {
    include: ["test/full/**/*.test.ts"],
    globalSetup: ["test/support/prepare.ts"],
    testTimeout: 3 * 3600_000,
    hookTimeout: 600_000,
    pool: "forks",
    execArgv: ["--expose-gc", "--liftoff-only"],
    maxWorkers: 2,
  },
});

import { describe, expect, test } from "vitest";
import { moveProof } from "../../support/moving.js";
import { workbenchPair } from "../../support/workbench-pair.js";

const pair = workbenchPair();

describe("what a process is allowed and told goes along to another kernel", () => {
  test.each([
    "credentials",
    "rlimits",
    "umask",
    "cwd_root",
    "oom_score_adj",
    "scheduling",
    "prctl_flags",
    "seccomp",
  ])("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });

  test("a control group that the new system lacks is made", async () => {
    const mount = "mkdir -p /run/groups && mount -t cgroup2 none /run/groups";
    for (const side of [pair.source, pair.target]) await side.sh(mount);
    expect(await moveProof(pair, "cgroup")).toBe("PASSED cgroup");
  });
});

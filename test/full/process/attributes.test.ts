import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { twoKernels } from "../../support/two-kernels.js";
import { workbench } from "../../support/workbench.js";

let pair: Pair;

beforeAll(async () => {
  pair = await openPair(await twoKernels(await workbench()));
});

afterAll(() => pair.dispose());

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

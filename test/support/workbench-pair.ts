import { afterAll, beforeAll } from "vitest";
import { openPair, type Pair } from "./moving.js";
import { twoKernels } from "./two-kernels.js";
import { workbench } from "./workbench.js";

/** Two machines of the guest `workbench`, before and after its update to another kernel, for all tests of a file. */
export function workbenchPair(): Pair {
  let opened: Pair | null = null;

  function pair(): Pair {
    if (opened === null) throw new Error("the machines are started before the first test");
    return opened;
  }

  beforeAll(async () => {
    opened = await openPair(await twoKernels(await workbench()));
  });
  afterAll(() => opened?.dispose());

  return {
    get source() {
      return pair().source;
    },
    get target() {
      return pair().target;
    },
    dispose: () => pair().dispose(),
  };
}

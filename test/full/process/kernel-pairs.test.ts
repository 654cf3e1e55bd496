import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareFollowed } from "../../../src/experiment/preparation.js";
import type { PreparedGuest } from "../../../src/experiment/prepared-guest.js";
import { updatedSnapshot } from "../../../src/experiment/updated-snapshot.js";
import { moveProof, openPair, type Pair } from "../../support/moving.js";
import { QUIET } from "../../support/quiet.js";

let guest: PreparedGuest;

beforeAll(async () => {
  guest = await prepareFollowed("kernels", QUIET);
});

/** What kernels differ in: how memory is filled, the vDSO, page tables, restartable sequences, clocks, and files. */
const PROOFS = [
  "private_memory",
  "shared_anonymous",
  "private_file_mapping",
  "shared_file_mapping",
  "brk",
  "growing_stack",
  "registers",
  "x87",
  "sse",
  "threads",
  "robust_list",
  "rseq",
  "process_tree",
  "vdso_clock",
  "posix_timers",
  "pending_signals",
  "inside_handler",
  "restarted_sleep",
  "pipes",
  "epoll",
  "regular_file",
  "unix_stream",
  "tcp_established",
  "pty",
];

describe.each([
  ["5.10", "6.1"],
  ["6.1", "6.5"],
  ["6.1", "6.1-pae"],
  ["6.1-pae", "6.1"],
  ["6.5", "6.1"],
  ["6.1", "5.10"],
])("from kernel %s to %s", (from, to) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await openPair({
      guest,
      before: await updatedSnapshot(guest, from, QUIET),
      after: await updatedSnapshot(guest, to, QUIET),
    });
  });
  afterAll(() => pair.dispose());

  test.each(PROOFS)("%s", async (name) => {
    expect(await moveProof(pair, name)).toBe(`PASSED ${name}`);
  });
});

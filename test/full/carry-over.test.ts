import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FilesInConflict } from "../../src/carry-over/carry-over.js";
import type { Side } from "../support/moving.js";
import {
  checkRebooted,
  mutate,
  stubOnOlderKernel,
  tree,
  type Twins,
  twinsWithPrograms,
} from "../support/carrying.js";

describe("what the original has changed", () => {
  let twins: Twins;

  beforeAll(async () => {
    twins = await twinsWithPrograms();
    await twins.source.sh(
      "mkdir -p /data/d /data/gone; cd /data; echo one >one; echo two >two; ln two d/two; " +
        "echo x >gone/x; ln -s one link; echo keep >keep; echo log >log; cd; sync",
    );
    await twins.fork();
  });
  afterAll(() => twins.dispose());

  test("is in the rebooted system, whatever kind of file it is", async () => {
    const { source, target } = twins;
    await source.sh(
      "cd /data; echo more >>one; rm -r gone; mv d e; chmod 600 two; mkfifo pipe; mknod null c 1 3; " +
        "ln -sf two link; dd if=/dev/urandom of=big bs=1M count=5 2>/dev/null; " +
        "dd if=/dev/urandom of=sparse bs=4k seek=2000 count=2 2>/dev/null; truncate -s 5G hole; " +
        "mkdir -p new/empty; chown 7:8 new; echo a >gr\u00fc\u00df; touch -d 2001-02-03 new/empty; cd",
    );
    await source.sh(
      'python3 -c "import os\n' +
        "os.setxattr('/data/one','user.hello',b'world')\n" +
        "os.setxattr('/data/big','security.capability',bytes.fromhex('0100000200040000000000000000000000000000'))\n" +
        "acl='0200000001000600ffffffff020007000500000004000400ffffffff10000700ffffffff20000400ffffffff'\n" +
        "os.setxattr('/data/keep','system.posix_acl_access',bytes.fromhex(acl))\n" +
        "os.setxattr('/data/new','system.posix_acl_default',bytes.fromhex(acl))\"",
    );
    await target.sh("echo mine >/data/theirs");

    const files = twins.carryOver();
    await files.plan();
    await files.carry();
    await source.sh(
      "cd /data; echo late >late; echo late >>one; mv e f; echo 5 >f/five; rm two; cd",
    );
    await twins.finish(files);

    const [ours, theirs] = [await tree(source, "/data"), await tree(target, "/data")];
    expect(theirs.get("/data/theirs")).toBeDefined();
    theirs.delete("/data/theirs");
    expect(Object.fromEntries(theirs)).toEqual(Object.fromEntries(ours));
    const blocks = async (side: Side) => (await side.sh("du -k /data/sparse /data/hole")).trim();
    expect(await blocks(target)).toBe(await blocks(source));
    expect(await target.sh("ls -A / | grep carry-over")).toBe("");
  });

  test("leaves a file system behind in which e2fsck finds nothing", () => checkRebooted(twins));
});

describe("a directory over which the rebooted system has mounted another file system", () => {
  let twins: Twins;

  beforeAll(async () => {
    twins = await twinsWithPrograms();
    await twins.source.sh(
      "mkdir -p /data/m /data/gone/m; echo one >/data/m/one; echo two >/data/two; sync",
    );
    await twins.fork();
    await twins.target.sh("mount -t tmpfs none /data/m; mount -t tmpfs none /data/gone/m");
  });
  afterAll(() => twins.dispose());

  test("stays as it is, and what the original has changed there is said to be kept behind", async () => {
    const { source, target } = twins;
    await source.sh("cd /data; echo x >m/x; rm m/one; echo more >>two; rm -r gone; cd");
    const files = twins.carryOver({ ours: ["/data/m"] });
    await files.plan();
    await files.carry();
    await source.sh("cd /data; echo late >m/late; mkdir m/d; echo late >late; cd");
    await twins.finish(files);

    const why = "another file system is mounted there in the rebooted system";
    const kept = [
      "/data/gone",
      "/data/gone/m",
      ...["d", "late", "one", "x"].map((name) => `/data/m/${name}`),
    ];
    const decisions = files.decisions().filter(({ path }) => path.startsWith("/data/"));
    expect(decisions.filter(({ action }) => action === "keep")).toEqual(
      kept.map((path) => ({ path, action: "keep", why, from: 0 })),
    );
    expect(decisions.filter(({ action }) => action === "carry").map(({ path }) => path)).toEqual([
      ...["/data/late", "/data/two"],
    ]);
    expect(await target.sh("cat /data/two /data/late; ls -A /data/m")).toBe("two\nmore\nlate\n");
    expect(await target.sh("umount /data/m; ls -A /data/m")).toBe("one\n");
  });
});

describe("a guest whose kernel is older than the calls of today", () => {
  let twins: Twins;

  beforeAll(async () => {
    twins = await twinsWithPrograms(stubOnOlderKernel);
    await twins.source.sh(
      "mkdir -p /data/d/e; cd /data; echo 1 >a; ln a d/b; echo 2 >gone; ln -s a l; cd; sync",
    );
    await twins.fork();
  });
  afterAll(() => twins.dispose());

  test("has what is mounted left out", async () => {
    const { files, mounts } = await twins.rebooted.ask("walkFiles", null, 60_000);
    expect(mounts).toEqual(expect.arrayContaining(["/dev", "/proc", "/sys"]));
    expect([...files.keys()].filter((path) => path.startsWith("/proc"))).toEqual([]);
    expect(files.has("/data/d/b")).toBe(true);
  });

  test("has its files carried over all the same", async () => {
    const { source, target } = twins;
    await source.sh(
      "cd /data; echo more >>a; rm gone; mv d f; ln -sf /etc l; mkfifo p; mknod n b 300 70000; " +
        "mkdir -m 700 new; echo x >new/x; chown 70000:5 new/x; touch -d 2011-12-13 new/x; cd",
    );
    await target.sh("echo mine >/data/theirs");
    const files = twins.carryOver();
    await files.plan();
    await files.carry();
    await source.sh("cd /data; echo late >late; echo late >>f/b; rm p; cd");
    await twins.finish(files);
    const [ours, theirs] = [await tree(source, "/data"), await tree(target, "/data")];
    expect(theirs.delete("/data/theirs")).toBe(true);
    expect(Object.fromEntries(theirs)).toEqual(Object.fromEntries(ours));
    expect([...ours.keys()]).toEqual(
      expect.arrayContaining(["/data/late", "/data/f/b", "/data/n"]),
    );
  });

  test("has no link followed on the way to a file", async () => {
    await twins.target.sh("mkdir /data/real; echo x >/data/real/x; ln -s real /data/alias");
    const paths = ["/data/real/x", "/data/alias/x", "/proc/version"];
    const found = await twins.rebooted.ask("describeFiles", paths, 60_000);
    expect(found.get("/data/real/x")).toMatchObject({ size: 2 });
    expect(found.get("/data/alias/x")).toBeNull();
    expect(found.get("/proc/version")).toBeNull();
  });
});

describe("random trees, changed at random in both systems", () => {
  let twins: Twins;
  let [base, ours, theirs] = [1, 2, 3].map(() => new Map<string, string>());

  beforeAll(async () => {
    twins = await twinsWithPrograms();
    const { source, target } = twins;
    await source.sh("mkdir /data");
    await mutate(source, "/data", 1, 60);
    await twins.fork();
    base = await tree(source, "/data");
    await mutate(source, "/data", 2, 40);
    await mutate(target, "/data", 3, 40);
    ours = await tree(source, "/data");
    theirs = await tree(target, "/data");
  });
  afterAll(() => twins.dispose());

  test("a conflict stops it before any file is touched", async () => {
    const files = twins.carryOver();
    await files.plan();
    await expect(files.carry()).rejects.toThrow(FilesInConflict);
    await expect(files.carry()).rejects.toThrow(/--ours PATH .* --theirs PATH/);
    expect(await tree(twins.source, "/data")).toEqual(ours);
    expect(await tree(twins.target, "/data")).toEqual(theirs);
  });

  test("what is settled by --theirs is left as the rebooted system has it", async () => {
    const files = twins.carryOver({ theirs: ["/data"] });
    await files.plan();
    await files.carry();
    await twins.finish(files);
    expect(await tree(twins.target, "/data")).toEqual(theirs);
  });

  test("what is settled by --ours is as in the original, and the rest as in the rebooted system", async () => {
    const files = twins.carryOver({ ours: ["/data"] });
    await files.plan();
    await files.carry();
    await mutate(twins.source, "/data", 4, 20);
    await twins.finish(files);
    ours = await tree(twins.source, "/data");
    const end = await tree(twins.target, "/data");
    for (const path of new Set([
      ...(base?.keys() ?? []),
      ...ours.keys(),
      ...(theirs?.keys() ?? []),
    ])) {
      const [before, mine, other] = [base?.get(path), ours.get(path), theirs?.get(path)];
      if (mine !== before) expect(end.get(path), path).toBe(mine);
      else expect([mine, other], path).toContain(end.get(path));
    }
  });

  test("e2fsck finds nothing then", () => checkRebooted(twins));
});

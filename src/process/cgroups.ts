/**
 * The control groups that a process is in. A group that the new system lacks is made, without limits.
 *
 * References:
 * - [cgroups(7)], /proc/PID/cgroup; [proc_pid_mountinfo(5)]
 */
import { z } from "zod";
import { readText, writeFile } from "../guest/files.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { CannotCarry } from "./files/file-kind.js";

/** @see ControlGroup */
export const controlGroupSchema = z.strictObject({
  /** Of a hierarchy of version 1, its controllers or its `name=`; empty for version 2. */
  controllers: z.string(),
  /** From the root of the hierarchy. */
  path: z.string().startsWith("/"),
});

/** A control group in one hierarchy. */
export type ControlGroup = Readonly<z.infer<typeof controlGroupSchema>>;

const EEXIST = -17;

/** Reads which groups a process is in: one in each hierarchy. */
export function* captureCgroups(stub: Stub, pid: number): Program<ControlGroup[]> {
  const groups: ControlGroup[] = [];
  for (const line of (yield* readText(stub, `/proc/${pid}/cgroup`)).split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined) groups.push({ controllers, path });
  }
  return groups;
}

/**
 * Puts another process in the groups that it was in.
 *
 * @throws {CannotCarry} if a hierarchy is not mounted here
 */
export function* restoreCgroups(
  stub: Stub,
  pid: number,
  groups: readonly ControlGroup[],
): Program<void> {
  const here = yield* captureCgroups(stub, pid);
  const mounts = yield* readText(stub, "/proc/self/mountinfo");
  for (const { controllers, path } of groups) {
    const isIn = here.find((group) => group.controllers === controllers)?.path ?? "/";
    if (isIn === path) continue;
    const mounted = findHierarchy(mounts, controllers);
    if (mounted === null) {
      throw new CannotCarry(
        `process ${pid} is in the control group ${path} of a hierarchy (${controllers || "version 2"}) that is not mounted here`,
      );
    }
    let directory = mounted;
    for (const name of path.split("/").filter((part) => part !== "")) {
      directory += `/${name}`;
      const made = yield* stub.attempt("mkdir", directory, 0o755);
      if (made !== 0 && made !== EEXIST) yield* stub.call("access", directory, 0);
    }
    yield* writeFile(stub, `${directory}/cgroup.procs`, String(pid));
  }
}

/** Where a hierarchy is mounted, from `/proc/PID/mountinfo`; null if it is not, or not from its root. */
export function findHierarchy(mountinfo: string, controllers: string): string | null {
  for (const line of mountinfo.split("\n")) {
    const [mount = "", filesystem = ""] = line.split(" - ");
    const [, , , root, point] = mount.split(" ");
    const [type, , options = ""] = filesystem.split(" ");
    if (root !== "/" || point === undefined) continue;
    const has = options.split(",");
    const isIt =
      controllers === ""
        ? type === "cgroup2"
        : type === "cgroup" && controllers.split(",").every((each) => has.includes(each));
    if (isIt) return point;
  }
  return null;
}

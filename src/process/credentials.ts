/**
 * What a thread is allowed to do.
 *
 * References:
 * - [credentials(7)], [capabilities(7)], [user_namespaces(7)]; [proc_pid_status(5)] for what is read
 * - [capset(2)] `struct __user_cap_header_struct`, version 3; [prctl(2)]
 */
import { z } from "zod";
import type { Program } from "../guest/gate.js";
import type { Inside } from "../guest/inside.js";
import { field, parseFields } from "../guest/procfs.js";
import { readText } from "../guest/files.js";
import type { Questions } from "../guest/questions.js";
import type { Stub } from "../guest/stub-session.js";

const id = z.uint32();
const capabilitySet = z
  .bigint()
  .min(0n)
  .max(2n ** 64n - 1n);

/** @see Credentials */
export const credentialsSchema = z.strictObject({
  /** Real, effective, saved, file system. */
  uids: z.array(id).length(4),
  gids: z.array(id).length(4),
  groups: z.array(id).max(65_536),
  capabilities: z.strictObject({
    inheritable: capabilitySet,
    permitted: capabilitySet,
    effective: capabilitySet,
    bounding: capabilitySet,
    ambient: capabilitySet,
  }),
  /** SECBIT_NOROOT and the others of [capabilities(7)]. */
  secureBits: z.int().min(0),
  noNewPrivileges: z.boolean(),
});

/** Users, groups and capabilities of a thread. */
export type Credentials = Readonly<z.infer<typeof credentialsSchema>>;

const PR_CAPBSET_DROP = 24;
const PR_GET_SECUREBITS = 27;
const PR_SET_SECUREBITS = 28;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const SECBIT_NO_SETUID_FIXUP = 4;
const CAPABILITY_VERSION_3 = 0x20080522;
const MOST_CAPABILITIES = 64;

/** Asks a stopped thread for what of its credentials `/proc` does not say; its status gives the rest. */
export function askCredentials(
  questions: Questions,
): (status: ReturnType<typeof parseFields>) => Credentials {
  const secureBits = questions.ask("prctl", PR_GET_SECUREBITS, 0, 0, 0, 0);
  return (status) => fromStatus(status, secureBits().value);
}

/** Reads the credentials of the stub. */
export function* ownCredentials(stub: Stub): Program<Credentials> {
  const status = parseFields(yield* readText(stub, "/proc/self/status"));
  return fromStatus(status, yield* stub.call("prctl", PR_GET_SECUREBITS, 0, 0, 0, 0));
}

function fromStatus(status: ReturnType<typeof parseFields>, secureBits: number): Credentials {
  const numbers = (name: string): number[] =>
    field(status, name)
      .split(/\s+/)
      .filter((part) => part !== "")
      .map(Number);
  const set = (name: string): bigint => BigInt(`0x${field(status, name)}`);
  return {
    uids: numbers("Uid"),
    gids: numbers("Gid"),
    groups: numbers("Groups"),
    capabilities: {
      inheritable: set("CapInh"),
      permitted: set("CapPrm"),
      effective: set("CapEff"),
      bounding: set("CapBnd"),
      ambient: set("CapAmb"),
    },
    secureBits,
    noNewPrivileges: field(status, "NoNewPrivs") === "1",
  };
}

/**
 * Gives a stub the users and groups of a thread, and what of its capabilities does not keep it from its work: it
 * can do all that it could before. It is no longer told of its parent's end; see [prctl(2)] PR_SET_PDEATHSIG.
 *
 * @param own credentials that the stub has
 */
export function* restoreIdentity(
  stub: Stub,
  own: Credentials,
  credentials: Credentials,
): Program<void> {
  if (isSame(own, credentials)) return;
  const { uids, gids, groups, capabilities } = credentials;
  const { inheritable, bounding, ambient } = capabilities;
  const [uid = 0, euid = 0, suid = 0, fsuid = 0] = uids;
  const [gid = 0, egid = 0, sgid = 0, fsgid = 0] = gids;
  yield* stub.call("setgroups32", groups.length, new Uint8Array(Uint32Array.from(groups).buffer));
  yield* stub.call("setresgid32", gid, egid, sgid);
  yield* stub.call("setfsgid32", fsgid);
  // A capability outside of the bounding set cannot become inheritable any more.
  yield* setCapabilities(stub, { ...own.capabilities, inheritable });
  for (const capability of capabilitiesIn(~bounding)) {
    // Numbers that this kernel does not know are in no set, and above all others.
    const result = yield* stub.attempt("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (result !== 0) break;
  }
  // Else the change of user takes the capabilities away.
  yield* stub.call("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
  yield* stub.call("setresuid32", uid, euid, suid);
  yield* stub.call("setfsuid32", fsuid);
  for (const capability of capabilitiesIn(ambient)) {
    yield* stub.call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  }
}

/**
 * Leaves a stopped stub that has its identity with no more rights than the thread had.
 *
 * @param own credentials that the stub had before
 */
export function* restoreRights(
  inside: Inside,
  own: Credentials,
  credentials: Credentials,
): Program<void> {
  // Each call in another task costs several switches between it and the stub.
  if (isSame(own, credentials)) return;
  const { capabilities, secureBits, noNewPrivileges } = credentials;
  yield* inside.call("prctl", PR_SET_SECUREBITS, secureBits, 0, 0, 0);
  yield* setCapabilities(inside, capabilities);
  if (noNewPrivileges) yield* inside.call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

function isSame(one: Credentials, other: Credentials): boolean {
  const { capabilities: a, ...rest } = one;
  const { capabilities: b, ...others } = other;
  return (
    JSON.stringify(rest) === JSON.stringify(others) &&
    a.inheritable === b.inheritable &&
    a.permitted === b.permitted &&
    a.effective === b.effective &&
    a.bounding === b.bounding &&
    a.ambient === b.ambient
  );
}

function* capabilitiesIn(set: bigint): Generator<number> {
  for (let capability = 0; capability < MOST_CAPABILITIES; capability++) {
    if ((set & (1n << BigInt(capability))) !== 0n) yield capability;
  }
}

function* setCapabilities(
  task: Pick<Stub, "call">,
  { permitted, effective, inheritable }: Credentials["capabilities"],
): Program<void> {
  const header = new Uint8Array(Int32Array.of(CAPABILITY_VERSION_3, 0).buffer);
  const ordered = [effective, permitted, inheritable];
  const low = (set: bigint): number => Number(set & 0xffffffffn);
  const high = (set: bigint): number => Number(set >> 32n);
  const data = Uint32Array.from([...ordered.map(low), ...ordered.map(high)]);
  yield* task.call("capset", header, new Uint8Array(data.buffer));
}

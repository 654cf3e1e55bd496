import type { BuildOptions, BuildProgress } from "../images/progress.js";
import { openCache } from "../node/cache.js";
import { prepareGuest, type PreparedGuest } from "./prepared-guest.js";
import type { ProgressEvent } from "./progress.js";

/** Whoever follows long work, and may stop it. */
export interface Follower {
  readonly show: (event: ProgressEvent) => void;
  /** Once it is aborted, the work ends everything it has begun and rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

const BUILD_STEPS: Readonly<Record<BuildProgress["step"], string>> = {
  download: "download packages",
  check: "check the archive's signature",
  unpack: "unpack packages",
  build: "build the disks",
};

/** What a build of a guest needs, with the user's cache and a follower. */
export async function followedBuild(guest: string, follower: Follower): Promise<BuildOptions> {
  return {
    cache: await openCache(),
    signal: follower.signal,
    progress({ step, done, total, unit }) {
      follower.show({
        step: `${guest}: ${BUILD_STEPS[step]}`,
        done,
        total,
        ...(unit === "bytes" && { unit }),
      });
    },
  };
}

/** Prepares a guest with the user's cache; a follower sees how far it is. */
export async function prepareFollowed(guest: string, follower: Follower): Promise<PreparedGuest> {
  return prepareGuest(guest, {
    ...(await followedBuild(guest, follower)),
    bootProgress({ done, unit }) {
      follower.show({ step: `${guest}: first boot`, done, unit, detail: "of virtual time" });
    },
  });
}

/** How long a guest may take, in ms of virtual time, where several strategies wait for the same. */

/** To answer the probe, to freeze or mount a file system, or to do another thing that takes it moments. */
export const ANSWER_LIMIT_MS = 10_000;

/** To have all of its programs captured, or restored. */
export const MOVE_LIMIT_MS = 30_000;

/** To have a stub come to the end of what it was told before, such as a slow capture. */
export const TURN_LIMIT_MS = 60_000;

/** To go down, or to come up again. */
export const REBOOT_LIMIT_MS = 120_000;

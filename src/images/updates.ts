import { z } from "zod";

/** A pattern for what a guest prints, as a regular expression in a string. */
export const pattern = z.string().refine((text) => {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}, "not a regular expression");

/** A shell command of one line; it is typed at a console. */
const command = z.string().regex(/^[^\n]+$/, "not one line");

const withinMs = z.int().positive();

/** A health check of a guest: what a command must print, in whole lines, when all is well. */
export const healthSchema = z.strictObject({
  name: z.string(),
  command,
  expect: pattern,
  /** How long it may take until the command prints that, in ms of virtual time. */
  withinMs: withinMs.default(10_000),
});

const plainUpdate = z.strictObject({
  description: z.string(),
  /** Shell commands that root runs in the guest, in this order; a reboot then puts the update into effect. */
  apply: z.array(command).min(1),
  /** How long each of them may take, in ms of virtual time. */
  withinMs: withinMs.default(60_000),
  /** What shows, after the reboot, that the update is in effect; each command prints whole lines. */
  check: z.array(z.strictObject({ command, expect: pattern })).default([]),
  /** What `uname -r` must print then; left out where the update brings no other kernel. */
  kernelAfter: z.string().exactOptional(),
});

const togetherUpdate = z.strictObject({
  description: z.string(),
  /** Updates of the same guest, applied in this order. */
  together: z.array(z.string()).min(2),
});

/** The updates of a guest, by name. Each can be seen to be in effect. */
export const updatesSchema = z
  .record(z.string(), z.union([plainUpdate, togetherUpdate]))
  .superRefine((updates, context) => {
    for (const [name, update] of Object.entries(updates)) {
      const fault = faultOf(update, updates);
      if (fault !== null) context.addIssue({ code: "custom", path: [name], message: fault });
    }
  });

type Updates = Readonly<Record<string, PlainUpdate | z.infer<typeof togetherUpdate>>>;

/** An update that is not made of others. */
export type PlainUpdate = z.infer<typeof plainUpdate>;

function faultOf(update: Updates[string], updates: Updates): string | null {
  if (!("together" in update)) {
    const seen = update.check.length > 0 || update.kernelAfter !== undefined;
    return seen
      ? null
      : "nothing would show that the update is in effect: give check or kernelAfter";
  }
  for (const part of update.together) {
    const found = updates[part];
    if (found === undefined) return `there is no update "${part}"`;
    if ("together" in found) return `"${part}" is itself made of others`;
  }
  return null;
}

/**
 * An update with those that it is made of written out; the kernel is that of the last that brings one.
 *
 * @throws {RangeError} naming the updates that there are, if this is none of them
 */
export function composeUpdate(guest: string, updates: Updates, name: string): PlainUpdate {
  const update = Object.hasOwn(updates, name) ? updates[name] : undefined;
  if (update === undefined) {
    const known = Object.keys(updates).join(", ");
    throw new RangeError(`The guest ${guest} has no update "${name}"; it has: ${known}.`);
  }
  if (!("together" in update)) return update;
  const parts = update.together.map((part) => composeUpdate(guest, updates, part));
  const kernelAfter = parts.findLast((part) => part.kernelAfter !== undefined)?.kernelAfter;
  return {
    description: update.description,
    apply: parts.flatMap(({ apply }) => apply),
    withinMs: Math.max(...parts.map((part) => part.withinMs)),
    check: parts.flatMap(({ check }) => check),
    ...(kernelAfter !== undefined && { kernelAfter }),
  };
}

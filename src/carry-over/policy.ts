/** What is done with a file that has changed in both systems: rules, as data. */
import { z } from "zod";
import { pathFromText } from "./entry.js";

/** How two versions of a file become one. */
export const TREATMENTS: Readonly<Record<Rule["files"], string>> = {
  original: "the original's version, where both have changed it",
  rebooted: "the rebooted system's version, where both have changed it",
  stay: "the rebooted system's version, always",
  append: "the rebooted system's version, and behind it what the original's has grown by",
  beside: "the rebooted system's version, and the original's under a name of its own beside it",
};

/** A rule; of those that match a path, the first one counts. */
export const ruleSchema = z.strictObject({
  /** A path, in which `*` stands for any name or part of one, and `**` for any path. */
  pattern: z.string().startsWith("/"),
  files: z.enum(["original", "rebooted", "stay", "append", "beside"]),
  /** Why, for a person. */
  why: z.string().min(1),
});
/** @see ruleSchema */
export type Rule = Readonly<z.infer<typeof ruleSchema>>;

/** Rules in the order in which they are asked. */
export const policySchema = z.array(ruleSchema).readonly();
/** @see policySchema */
export type Policy = z.infer<typeof policySchema>;

/** Makes the function that finds the rule for a path; null if there is none. */
export function compilePolicy(policy: Policy): (path: string) => Rule | null {
  const compiled = policy.map((rule) => ({ rule, matcher: patternMatcher(rule.pattern) }));
  return (path) => compiled.find(({ matcher }) => matcher.test(path))?.rule ?? null;
}

function patternMatcher(pattern: string): RegExp {
  const source = pathFromText(pattern)
    .split(/(\*\*|\*)/)
    .map((part) => {
      if (part === "**") return "[^]*";
      if (part === "*") return "[^/]*";
      return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    });
  return new RegExp(`^${source.join("")}$`);
}

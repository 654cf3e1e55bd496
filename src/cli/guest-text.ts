import type { Recipe } from "../images/recipe.js";
import { composeUpdate } from "../images/updates.js";
import { columns } from "./columns.js";

/** A guest for a person: what it is, its kernels, its updates and its health checks. */
export function describeGuest(name: string, recipe: Recipe): string {
  return [
    columns([
      ["guest", name],
      ["", recipe.description],
      ["kernels", recipe.kernels.map(({ release }) => release).join(", ")],
      ["memory", `${recipe.memoryMegabytes} MiB`],
      ["login", recipe.login.user],
    ]),
    `\nUpdates\n${columns(Object.keys(recipe.updates).flatMap((each) => updateRows(name, recipe, each)))}`,
    `\nHealth checks\n${columns([
      ["login", "a login answers"],
      ...recipe.health.map((check) => [check.name, checkText(check)]),
    ])}`,
  ].join("");
}

function updateRows(guest: string, { updates }: Recipe, name: string): string[][] {
  const update = updates[name];
  const parts = update !== undefined && "together" in update ? update.together : null;
  const { description, kernelAfter, check } = composeUpdate(guest, updates, name);
  return [
    [name, description],
    ...(parts === null ? [] : [["", `is ${parts.join(", ")}`]]),
    ...(kernelAfter === undefined ? [] : [["", `in effect if the kernel is ${kernelAfter}`]]),
    ...check.map((each) => ["", `in effect if ${checkText(each)}`]),
  ];
}

function checkText({ command, expect }: { readonly command: string; readonly expect: string }) {
  return `"${command}" prints /${expect}/`;
}

import { followedBuild } from "../../experiment/preparation.js";
import {
  buildGuest,
  type GuestVerification,
  isBuilt,
  loadGuest,
  verifyGuest,
} from "../../images/build.js";
import { listGuests, readRecipe, RecipeError } from "../../images/recipe.js";
import { openCache } from "../../node/cache.js";
import { columns } from "../columns.js";
import { type Command, type Context, UsageError } from "../context.js";
import { describeGuest } from "../guest-text.js";
import { guestArgument } from "../options.js";
import { addImport } from "./import.js";

/** `images`: the guests' disks, from the recipe to the cache. */
export const imagesCommand: Command = (cli, context) =>
  cli.command("images", "build, list, show, verify and import the guests' disks", (yargs) =>
    addImport(yargs, context)
      .command(
        "build [guest]",
        "build the disks of a guest, even if the cache has them, or all that are not in the cache yet",
        (build) =>
          build
            .positional("guest", { choices: [...context.guests, "all"], describe: "which guest" })
            .example("$0 images build busybox", "")
            .example("$0 images build all", "goes on where it was stopped"),
        async ({ guest }) =>
          guest === undefined || guest === "all"
            ? build(await listGuests(), loadGuest, context)
            : build(await chosen(guest), buildGuest, context),
      )
      .command(
        "list",
        "the guests, and whether they are in the cache",
        (list) => list.example("$0 images list", ""),
        () => list(context),
      )
      .command(
        "show <guest>",
        "what a guest is, with its updates and its health checks",
        (show) =>
          show.positional("guest", guestArgument(context)).example("$0 images show busybox", ""),
        async ({ guest }) => {
          context.print(describeGuest(guest, await readRecipe(guest)));
        },
      )
      .command(
        "verify [guest]",
        "check what the cache has of a guest, or of all, to the last byte",
        (verify) =>
          verify
            .positional("guest", { choices: context.guests, describe: "which guest" })
            .example("$0 images verify", "")
            .example("$0 images verify busybox", ""),
        async ({ guest }) => verify(await chosen(guest), context),
      )
      .demandCommand(1, "Say what to do with the images: build, list, show, verify or import."),
  );

/** @throws {UsageError} for a guest that nobody can build */
async function chosen(guest: string | undefined): Promise<readonly string[]> {
  const built = await listGuests();
  if (guest === undefined) return built;
  if (built.includes(guest)) return [guest];
  throw new UsageError(
    `The guest ${guest} was imported: "shadow-reboot images import" makes it anew from its file.`,
  );
}

async function build(
  guests: readonly string[],
  make: typeof buildGuest,
  context: Context,
): Promise<void> {
  for (const guest of guests) {
    const { disks } = await make(guest, await followedBuild(guest, context));
    const rows = disks.map(({ name, base, sha256 }) => [
      `${guest} ${name}`,
      `${base.length / 2 ** 20} MiB`,
      `SHA-256 ${sha256}, as the recipe says`,
    ]);
    context.print(columns(rows));
  }
}

async function list({ guests, print }: Context): Promise<void> {
  const cache = await openCache();
  const built = await listGuests();
  const rows: string[][] = [];
  for (const guest of guests) {
    if (!built.includes(guest)) {
      rows.push([guest, ...(await describeImported(guest))]);
      continue;
    }
    const { description } = await readRecipe(guest);
    rows.push([guest, (await isBuilt(guest, cache)) ? "in the cache" : "not built", description]);
  }
  print(columns(rows));
}

/** State and description of a guest that was imported; one whose recipe is broken hides no other guest. */
async function describeImported(guest: string): Promise<[state: string, description: string]> {
  try {
    return ["imported", (await readRecipe(guest)).description];
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    return ["damaged", `${error.message.replaceAll(/\s+/g, " ")}: import it again`];
  }
}

async function verify(guests: readonly string[], { print }: Context): Promise<void> {
  const cache = await openCache();
  for (const guest of guests) {
    const verification = await verifyGuest(guest, cache);
    const { items, checks } = verification;
    const rows = items.map(({ name, state }) => [state, name]);
    print(`${guest}\n${columns(rows)}`);
    for (const { suite, date, listed, pinOnly } of checks ?? []) {
      print(
        `The signed index of ${suite} of ${date} lists ${listed.length} packages as they are pinned` +
          `${pinOnly.length === 0 ? "" : `, and no longer lists ${pinOnly.join(", ")}`}.\n`,
      );
    }
    if (isWhole(verification)) continue;
    print(`Not all is there: "shadow-reboot images build ${guest}" gets and builds it.\n`);
    process.exitCode = 1;
  }
}

function isWhole({ items, checks }: GuestVerification): boolean {
  return checks !== null && items.every(({ state }) => state === "good");
}

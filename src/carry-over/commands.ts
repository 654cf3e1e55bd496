import { flushFileSystem, freezeFileSystem } from "../guest/file-systems.js";
import type { Program } from "../guest/gate.js";
import type { Stub } from "../guest/stub-session.js";
import { type Application, apply, stage } from "./apply.js";
import { type Cursor, type Piece, type Reading, readContents, type Wanted } from "./content.js";
import type { Entry } from "./entry.js";
import { CannotCarryFiles, lookAtPath, withTree } from "./tree.js";
import { type Walk, walk } from "./walk.js";
import { type Changes, createWatch, type Watch } from "./watch.js";

/** The system disk, as far as it matters here. */
const ROOT = { device: "", path: "/", type: "" };

/** What a stub in a guest can be told to do with the files of its system disk. */
export type CarryOverCommands = ReturnType<typeof carryOverCommands>;

/** Makes the commands of one stub. */
export function carryOverCommands() {
  let watch: Watch | null = null;

  return {
    /** Notes all files. */
    walkFiles: (stub: Stub): Program<Walk> => walk(stub),

    /** Notes all files, and has what changes from then on noted. */
    *watchFiles(stub: Stub): Program<Walk> {
      watch = yield* createWatch(stub);
      return yield* watch.begin(stub);
    },

    /** Brings the system disk's files to it, so that to freeze it takes less time later. */
    flushFiles: (stub: Stub): Program<void> => flushFileSystem(stub, ROOT),

    /** What has changed since `watchFiles`, or since this was asked last. */
    *changedFiles(stub: Stub): Program<Changes> {
      if (watch === null) throw new CannotCarryFiles("nobody has watched the files");
      return yield* watch.changes(stub);
    },

    /** The same, and then nobody can write to the system disk until it is thawed. */
    *lastChanges(stub: Stub): Program<Changes> {
      if (watch === null) throw new CannotCarryFiles("nobody has watched the files");
      yield* freezeFileSystem(stub, ROOT);
      return yield* watch.changes(stub);
    },

    /** Looks at files, with all that is to be known of them; null for those that are not there. */
    *describeFiles(stub: Stub, paths: readonly string[]): Program<Map<string, Entry | null>> {
      const found = new Map<string, Entry | null>();
      yield* withTree(stub, function* (tree) {
        for (const path of paths) found.set(path, yield* lookAtPath(stub, tree, path));
      });
      return found;
    },

    readFiles: (
      stub: Stub,
      wanted: { readonly files: readonly Wanted[]; readonly cursor: Cursor },
    ): Program<Reading> => readContents(stub, wanted),

    stageFiles: (stub: Stub, pieces: readonly Piece[]): Program<void> => stage(stub, pieces),

    applyFiles: (stub: Stub, work: Application): Program<Map<string, Entry | null>> =>
      apply(stub, work),
  };
}

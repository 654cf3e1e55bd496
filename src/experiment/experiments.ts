import { readdir } from "node:fs/promises";
import type { Experiment } from "./experiment.js";

/** A file of the folder `experiments`. */
export interface NamedExperiment extends Experiment {
  /** The file's name without its ending; what the figure's files are called. */
  readonly name: string;
}

/** The folder lies beside `src`, and is compiled into `dist`. */
const SOURCES = "../../experiments/";
const FOLDER = import.meta.url.endsWith(".ts") ? SOURCES : "../experiments/";

/** All experiments by name; what stands in them was checked when they were compiled. */
export async function loadExperiments(): Promise<NamedExperiment[]> {
  const folder = new URL(FOLDER, import.meta.url);
  // What was compiled from a file that is gone is still there.
  const sources = await readdir(new URL(SOURCES, import.meta.url)).catch(() => null);
  const isThere = (name: string): boolean => sources?.includes(name.replace(/js$/, "ts")) ?? true;
  const files = (await readdir(folder))
    .filter((name) => /^[\w-]+\.[jt]s$/.test(name) && isThere(name))
    .sort();
  return Promise.all(
    files.map(async (file) => {
      // The compiler has seen that the file's default export is an experiment.
      const module = (await import(new URL(file, folder).href)) as { default: Experiment };
      return { ...module.default, name: file.replace(/\.[jt]s$/, "") };
    }),
  );
}

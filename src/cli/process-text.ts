import type { ProcessImage, TreeImage } from "../process/image.js";
import type { ProcessSummary } from "../process/select.js";
import { columns } from "./columns.js";

/** Running processes as a table. */
export function describeProcesses(processes: readonly ProcessSummary[]): string {
  const own = processes.filter(({ kernelThread }) => !kernelThread);
  return columns([
    ["pid", "parent", "group", "session", "state", "name"],
    ...own.map(({ pid, parent, group, session, state, name }) => [
      ...[pid, parent, group, session].map(String),
      state,
      name,
    ]),
  ]);
}

/** An image of processes as a person wants to know it. */
export function describeImage(image: TreeImage): string {
  const { kernel, processes, files, shmFiles, systemV, ended } = image;
  const objects = systemV.segments.length + systemV.semaphores.length + systemV.queues.length;
  const about = columns([
    ["captured on", `Linux ${kernel}`],
    ["processes", `${processes.length}, and ${ended.length} that have ended`],
    ["open files", String(files.length)],
    ["shared objects", `${shmFiles.length} in /dev/shm, ${objects} of System V`],
  ]);
  return [about, ...processes.map((process) => describeProcess(process, image))].join("\n");
}

function describeProcess(process: ProcessImage, { files }: TreeImage): string {
  const { pid, parent, session, threads, mappings, pages, descriptors } = process;
  const mapped = mappings.reduce((sum, { start, end }) => sum + end - start, 0);
  const [leader] = threads;
  const about = columns([
    [`process ${pid}`, leader?.name ?? ""],
    ["parent", parent === null ? "not in the image" : String(parent)],
    ["session", String(session)],
    ["executable", process.executable],
    ["directory", process.workingDirectory],
    ["user", String(leader?.credentials.uids[0] ?? "")],
    ["threads", threads.map(({ tid }) => tid).join(", ")],
    ["memory", `${kibibytes(mapped)} mapped, ${kibibytes(pages.content.length)} of its own`],
  ]);
  const open = columns(
    descriptors.map(({ number, file }) => {
      const its = files[file];
      const name = its !== undefined && "path" in its ? its.path : "";
      return [`  ${number}`, its?.kind ?? "", name];
    }),
  );
  return `${about}descriptors\n${open}`;
}

/** An image of processes as JSON; of bytes only how many there are, integers beyond 2^53 as text. */
export function imageAsJson(image: TreeImage): string {
  const replace = (_name: string, value: unknown): unknown => {
    if (typeof value === "bigint") return String(value);
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (value instanceof Uint32Array) return `${value.length} addresses`;
    return value;
  };
  return `${JSON.stringify(image, replace, 2)}\n`;
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

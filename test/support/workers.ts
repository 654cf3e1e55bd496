/** How many workers this process of tests has: each has a port for messages. */
export function workerCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
}

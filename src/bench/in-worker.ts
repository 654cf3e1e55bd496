import { Worker } from "node:worker_threads";

/**
 * Runs one of the programs of this folder in a thread of its own, since an emulator takes a thread over
 * for good, and resolves to the one message that it posts.
 *
 * @param program name of the file, without its ending
 * @param data what the program finds as `workerData`
 */
export function inWorker<T>(program: string, data: unknown): Promise<T> {
  const worker = new Worker(new URL(`${program}.js`, import.meta.url), { workerData: data });
  return new Promise<T>((resolve, reject) => {
    worker.once("message", (result: T) => {
      resolve(result);
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      reject(new Error(`the thread of ${program} ended without a result`));
    });
  }).finally(() => worker.terminate());
}

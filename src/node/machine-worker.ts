/** The worker thread that a machine runs in. */
import { parentPort } from "node:worker_threads";
import { createPc } from "../machine/pc.js";
import { serve } from "../machine/remote.js";
import { createEngine } from "../process/engine.js";

if (parentPort === null) throw new Error("This file is the body of a worker thread.");
const port = parentPort;

serve(
  {
    post(message, transfer) {
      port.postMessage(message, transfer);
    },
    listen(listener) {
      port.on("message", listener);
    },
  },
  createPc(() => import("v86"), createEngine),
);

import { preparedOnce } from "./prepared-once.js";

/** The guest `busybox`; see `preparedOnce`. */
export const busybox = preparedOnce("busybox");

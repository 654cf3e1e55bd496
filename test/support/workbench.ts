import { preparedOnce } from "./prepared-once.js";

/** The guest `workbench`; see `preparedOnce`. */
export const workbench = preparedOnce("workbench");

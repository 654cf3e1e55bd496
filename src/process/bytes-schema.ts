import { z } from "zod";

/** Bytes, wherever their buffer lies. */
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "not bytes");

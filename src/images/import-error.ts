/** Something is not a system that can be imported; the message says why, and what would be. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

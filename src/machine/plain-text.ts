/**
 * What a guest writes to a terminal, as plain text.
 *
 * References:
 * - ECMA-48, section 5.4: control sequences
 */

/** Carriage returns and control sequences, such as a shell's question for the cursor. */
const NOT_TEXT = /\r|\u001b\[[0-?]*[ -/]*[@-~]/g;

const UNFINISHED_SEQUENCE = /\u001b(\[[0-?]{0,20}[ -/]{0,4})?$/;

const CONTROLS = /[^\P{Cc}\n\t]/gu;

/** Text of which nothing steers a terminal: without control characters but newlines and tabs. */
export function withoutControls(text: string): string {
  return text.replace(CONTROLS, "");
}

/**
 * Makes a function that is given the bytes that a guest writes, piece by piece, and returns the text in
 * each: without carriage returns and control sequences, wherever the pieces are cut.
 */
export function createTextReader(): (bytes: Uint8Array) => string {
  const decoder = new TextDecoder();
  /** The start of a control sequence whose end has not come yet. */
  let begun = "";
  return (bytes) => {
    const raw = begun + decoder.decode(bytes, { stream: true });
    const whole = raw.length - (UNFINISHED_SEQUENCE.exec(raw)?.[0].length ?? 0);
    begun = raw.slice(whole);
    return raw.slice(0, whole).replace(NOT_TEXT, "");
  };
}

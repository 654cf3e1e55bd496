import type { VirtualMs } from "../clock/virtual-time.js";
import type { Console } from "../machine/console.js";
import type { StubStarter } from "./command-link.js";
import { BROUGHT_STUB, stubProgram } from "./stub.js";

/**
 * Brings the stub into a guest that does not carry it, through a shell of root that is open on a console.
 * It leaves the shell as it was, but for what stands on its screen.
 *
 * @param advance lets time pass up to a moment of the machine's clock
 */
export function serialStub(
  console: Console,
  advance: (until: VirtualMs) => Promise<void>,
): StubStarter {
  return {
    async start() {
      const octal = Array.from(stubProgram(), (byte) => `\\0${byte.toString(8)}`).join("");
      console.skip();
      // In the background of a shell of its own, so that no job is left in this one.
      await console.type(
        ` echo -ne '${octal}' >${BROUGHT_STUB} && chmod 700 ${BROUGHT_STUB} && (${BROUGHT_STUB} &); echo STUB'' STARTED\n`,
      );
      await console.expect(/^STUB STARTED\n/m, { withinMs: 5000, what: "the stub to be started" });
    },
    wake: null,
    advance,
  };
}

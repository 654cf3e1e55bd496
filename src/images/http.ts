/*
 * One request for a file, bounded in time, with errors that tell the way out.
 *
 * References: RFC 9110, sections 14 (range requests) and 15 (status codes).
 */

/** How long a download puts up with a bad network. */
export interface Patience {
  /** Tries in a row before it gives up; one that brought a mebibyte does not count. */
  readonly tries: number;
  /** The wait before the second try in ms; it doubles with every further one. */
  readonly backoffMs: number;
  /** How long a server may be silent, in ms. */
  readonly stallMs: number;
}

/** What a caller may say about a download. */
export interface FetchOptions {
  /** Stops the download: it rejects with the signal's reason. What it has got is kept for later. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes are there; the number falls where a try has to start afresh. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly patience?: Patience | undefined;
}

/** The patience of a download whose caller does not say. */
export const usualPatience: Patience = { tries: 5, backoffMs: 500, stallMs: 30_000 };

/** A download failed. */
export class FetchError extends Error {
  override readonly name = "FetchError";

  constructor(
    /** `network` and `busy` may pass; the others stay as they are, however often one tries. */
    readonly problem: "network" | "busy" | "missing" | "refused" | "size" | "hash",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What to do about a mirror, as the end of a message. */
export const otherMirror = "set SHADOW_REBOOT_MIRROR to another Debian mirror";

/** What a server answered to a request for the bytes of a file from some position on. */
export interface Answer {
  /** Where the pieces start: where was asked for, or 0. */
  readonly start: number;
  /** How many bytes the server announces from there on, where it does. */
  readonly bytes: number | null;
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Gives up the rest. An answer whose pieces are not taken to their end is held open until then. */
  readonly cancel: () => Promise<void>;
}

/**
 * Asks for the bytes of a file from a position on.
 *
 * @param from the first byte; an answer from the start is given where the server cannot do better
 * @throws {FetchError} if there is no such answer; the pieces throw it too
 */
export async function request(url: string, from: number, options: FetchOptions): Promise<Answer> {
  const { stallMs } = options.patience ?? usualPatience;
  const stalled = new AbortController();
  const timer = setTimeout(() => {
    stalled.abort(new Error(`silent for ${stallMs / 1000} s`));
  }, stallMs);
  const unreachable = (cause: unknown) => {
    clearTimeout(timer);
    options.signal?.throwIfAborted();
    const advice = `check the network connection, or ${otherMirror}`;
    return new FetchError("network", `cannot get ${url}: ${innermost(cause)}; ${advice}`, {
      cause,
    });
  };
  const response = await fetch(url, {
    signal: AbortSignal.any([stalled.signal, ...(options.signal ? [options.signal] : [])]),
    headers: {
      "accept-encoding": "identity",
      ...(from > 0 && { range: `bytes=${from}-` }),
    },
  }).catch((cause: unknown) => {
    throw unreachable(cause);
  });

  const { status, headers, body } = response;
  const rangeStart = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1];
  // An answer that does not fit the question, such as 416, is followed by one for the whole file.
  const misfit = from > 0 && (status === 416 || (status === 206 && Number(rangeStart) !== from));
  if (misfit || !response.ok || body === null) {
    clearTimeout(timer);
    await body?.cancel();
    if (misfit) return await request(url, 0, options);
    throw refusal(url, status);
  }
  const length = headers.get("content-length");
  return {
    start: status === 206 ? from : 0,
    bytes: length === null ? null : Number(length),
    pieces: (async function* () {
      try {
        for await (const piece of body) {
          timer.refresh();
          yield piece;
        }
      } catch (cause) {
        throw unreachable(cause);
      } finally {
        clearTimeout(timer);
      }
    })(),
    async cancel() {
      clearTimeout(timer);
      // A body that has failed rejects, and has nothing left to give up.
      await body.cancel().catch(() => undefined);
    },
  };
}

function refusal(url: string, status: number): FetchError {
  if (status === 404 || status === 410) {
    return new FetchError(
      "missing",
      `the mirror does not have ${url} (status ${status}): mirrors drop versions that a newer one ` +
        `has superseded; ${otherMirror} that still has it`,
    );
  }
  const problem = status >= 500 || status === 408 || status === 429 ? "busy" : "refused";
  return new FetchError(problem, `the mirror refuses ${url} (status ${status}); ${otherMirror}`);
}

/** What really happened: fetch wraps it, and says no more than "fetch failed" itself. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : innermost(error.cause);
}

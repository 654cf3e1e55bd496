/**
 * Calls across threads: a service in a worker, used from outside as if it were an object whose
 * functions all return promises.
 */

/** One end of a channel between two threads; a thin face over `Worker`, `MessagePort` or `parentPort`. */
export interface Port {
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Called once; every message from the other end goes to `listener`. */
  listen(listener: (message: unknown) => void): void;
}

// Each function of a service may take and return whatever the structured clone algorithm carries.
type AnyFunction = (...args: never[]) => unknown;

/** A service as the other thread sees it. */
export type Remote<S> = {
  readonly [K in keyof S]: S[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}
type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: RemoteFailure };

/** An error on its way between threads. */
export interface RemoteFailure {
  readonly name: string;
  readonly message: string;
}

/** Buffers to hand over with a value instead of copying them; remembered by the value that holds them. */
const transfers = new WeakMap<object, readonly ArrayBuffer[]>();

/** Marks buffers that a returned or passed object holds as given away: they are moved, not copied. */
export function giveAway<T extends object>(value: T, buffers: readonly ArrayBuffer[]): T {
  transfers.set(value, buffers);
  return value;
}

function transferOf(values: readonly unknown[]): ArrayBuffer[] {
  return values.flatMap((value) =>
    typeof value === "object" && value !== null ? (transfers.get(value) ?? []) : [],
  );
}

/** Answers calls that come through `port` with the functions of `service`. */
export function serve(port: Port, service: object): void {
  // The other end is `connect` of the same version, typed by the type of this very service.
  const functions = service as unknown as Record<string, AnyFunction>;
  port.listen((message) => {
    const { id, name, args } = message as Request;
    void (async () => {
      try {
        const value: unknown = await functions[name]?.(...(args as never[]));
        port.post({ id, value } satisfies Reply, transferOf([value]));
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        port.post({ id, error: { name: failure.name, message: failure.message } }, []);
      }
    })();
  });
}

interface OpenCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The near end of a remote service. */
export interface Connection<S> {
  readonly remote: Remote<S>;
  /** Makes every open and future call fail with `error`; the first one stays. */
  close(error: Error): void;
}

/**
 * Connects to a service at the other end of `port`.
 *
 * @param revive makes the error to throw of one that was thrown at the other end
 */
export function connect<S>(port: Port, revive: (failure: RemoteFailure) => Error): Connection<S> {
  const open = new Map<number, OpenCall>();
  let nextId = 0;
  let closed: Error | null = null;

  port.listen((message) => {
    const reply = message as Reply;
    const call = open.get(reply.id);
    open.delete(reply.id);
    if ("error" in reply) call?.reject(revive(reply.error));
    else call?.resolve(reply.value);
  });

  function call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (closed !== null) return Promise.reject(closed);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      open.set(id, { resolve, reject });
      port.post({ id, name, args } satisfies Request, transferOf(args));
    });
  }

  const remote = new Proxy(
    {},
    {
      get: (_, name) =>
        // A promise must not take the proxy for another promise.
        name === "then" ? undefined : (...args: unknown[]) => call(String(name), args),
    },
  );
  return {
    remote: remote as Remote<S>, // every property of the proxy is a function that makes the call
    close(error) {
      closed ??= error;
      for (const { reject } of open.values()) reject(closed);
      open.clear();
    },
  };
}

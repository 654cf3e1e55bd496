import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect, type Connection, giveAway, type Port, serve } from "../../src/machine/remote.js";

/** A service as a worker has it: some functions answer at once, some later, some never. */
const service = {
  add: (a: number, b: number) => a + b,
  later: async (value: string) => Promise.resolve(value),
  never: () => new Promise<void>(() => undefined),
  fail(): void {
    throw new RangeError("there is no such thing");
  },
  length: (bytes: Uint8Array) => bytes.length,
  bytes: () => {
    const bytes = new Uint8Array(1000).fill(7);
    made = bytes;
    return giveAway({ bytes }, [bytes.buffer]);
  },
};
let made = new Uint8Array();

class Revived extends Error {}

let channel: MessageChannel;
let connection: Connection<typeof service>;

beforeEach(() => {
  channel = new MessageChannel();
  serve(faceOf(channel.port2), service);
  connection = connect(faceOf(channel.port1), (failure) => {
    return new Revived(`${failure.name}: ${failure.message}`);
  });
});
afterEach(() => {
  channel.port1.close();
});

function faceOf(port: MessagePort): Port {
  return {
    post(message, transfer) {
      port.postMessage(message, transfer);
    },
    listen(listener) {
      port.on("message", listener);
    },
  };
}

describe("a service in another thread", () => {
  test("is used as if it were here", async () => {
    const { remote } = connection;
    expect(await remote.add(2, 3)).toBe(5);
    expect(await remote.later("soon")).toBe("soon");
    const answers = await Promise.all([remote.add(1, 1), remote.later("x"), remote.add(2, 2)]);
    expect(answers).toEqual([2, "x", 4]);
  });

  test("fails with an error of this thread's choice", async () => {
    await expect(connection.remote.fail()).rejects.toThrow(Revived);
    await expect(connection.remote.fail()).rejects.toThrow("RangeError: there is no such thing");
    expect(await connection.remote.add(1, 2)).toBe(3);
  });

  test("can be awaited itself without being called", async () => {
    const { remote } = await Promise.resolve({ remote: connection.remote });
    expect(await Promise.resolve(remote)).toBe(remote);
  });
});

describe("buffers", () => {
  test("that are given away move: the giver has them no more", async () => {
    const mine = new Uint8Array(500);
    expect(await connection.remote.length(giveAway(mine, [mine.buffer]))).toBe(500);
    expect(mine.length).toBe(0);
    expect((await connection.remote.bytes()).bytes[999]).toBe(7);
    expect(made.length).toBe(0);
  });

  test("that are not given away are copied", async () => {
    const mine = new Uint8Array(500);
    expect(await connection.remote.length(mine)).toBe(500);
    expect(mine.length).toBe(500);
  });
});

describe("a connection that is closed", () => {
  test("ends every open and future call with the first error", async () => {
    const open = connection.remote.never();
    connection.close(new Error("the worker ended"));
    connection.close(new Error("too late"));
    await expect(open).rejects.toThrow("the worker ended");
    await expect(connection.remote.add(1, 1)).rejects.toThrow("the worker ended");
  });
});

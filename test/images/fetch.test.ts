import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchFile, fetchSmall } from "../../src/images/fetch.js";

const content = randomBytes(300_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const patience = { tries: 3, backoffMs: 1, stallMs: 300 };

/** A mirror on this machine that behaves as a test wants it, and notes what it was asked for. */
let answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void;
let asked: (string | undefined)[];
let folder: string;
let target: string;
let url: string;
const server = createServer((request, response) => {
  asked.push(request.headers.range);
  answer(request, response, asked.length);
});

beforeEach(async () => {
  asked = [];
  folder = await mkdtemp(join(tmpdir(), "fetch-test-"));
  target = join(folder, "file.deb");
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.deb`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true, force: true });
});

/** Answers as a good server does: the range that was asked for. */
function serve(request: IncomingMessage, response: ServerResponse, bytes = content) {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const range = from > 0 && {
    "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  };
  response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from, ...range });
  return { from, rest: bytes.subarray(from) };
}
const get = (more = {}) =>
  fetchFile({ url, bytes: content.length, sha256 }, target, { patience, ...more });
const left = async () => (await readdir(folder)).map((name) => name.replace(/\d+/, "PID"));

test("a file arrives whole, with progress, and nothing else is left", async () => {
  answer = (request, response) => response.end(serve(request, response).rest);
  const progress: number[] = [];
  await get({ onProgress: (bytes: number) => progress.push(bytes) });
  expect((await readFile(target)).equals(content)).toBe(true);
  expect(progress.at(-1)).toBe(content.length);
  expect(await left()).toEqual(["file.deb"]);
});

describe("a bad network", () => {
  /** Sends some of what is asked for and cuts the connection, unless that was the rest. */
  const cutting = (request: IncomingMessage, response: ServerResponse, bytes = content) => {
    const some = Math.floor(bytes.length * 0.4);
    const { rest } = serve(request, response, bytes);
    response.write(rest.subarray(0, some), () => {
      if (rest.length > some) response.destroy();
      else response.end();
    });
  };

  test("cuts the connection: each time the rest is asked for, as long as much arrives", async () => {
    const large = randomBytes(5 << 20);
    const hash = createHash("sha256").update(large).digest("hex");
    answer = (request, response) => {
      cutting(request, response, large);
    };
    const twice = { ...patience, tries: 2 };
    await fetchFile({ url, bytes: large.length, sha256: hash }, target, { patience: twice });
    expect((await readFile(target)).equals(large)).toBe(true);
    const starts = asked.map((range) => Number(range?.slice(6, -1) ?? 0));
    expect(starts.length).toBeGreaterThan(2);
    expect(starts).toEqual([...new Set(starts)].sort((one, other) => one - other));
  });

  test("cuts the connection again and again: the user hears of it", async () => {
    answer = (request, response) => {
      response.write(serve(request, response).rest.subarray(0, 1000), () => response.destroy());
    };
    await expect(get()).rejects.toMatchObject({ problem: "network" });
    expect(asked).toHaveLength(patience.tries);
  });

  test("and a server that ignores ranges: the file comes from the start", async () => {
    answer = (request, response, nth) => {
      if (nth === 1) {
        cutting(request, response);
      } else {
        response.writeHead(200, { "content-length": content.length }).end(content);
      }
    };
    await get();
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test("and a server that answers with another range: it is asked for the whole", async () => {
    answer = (request, response, nth) => {
      if (nth !== 2) {
        const { rest } = serve(request, response);
        if (nth === 1) response.write(rest.subarray(0, 1000), () => response.destroy());
        else response.end(rest);
        return;
      }
      response
        .writeHead(206, { "content-range": "bytes 7-99/300000" })
        .end(content.subarray(7, 100));
    };
    await get();
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(asked).toEqual([undefined, "bytes=1000-", undefined]);
  });

  test("goes silent: the stalled try is given up and the next goes on", async () => {
    answer = (request, response, nth) => {
      const { rest } = serve(request, response);
      if (nth === 1) response.write(rest.subarray(0, 1000));
      else response.end(rest);
    };
    await get();
    expect(asked).toEqual([undefined, "bytes=1000-"]);
  });

  test("stays silent: the error says so after a bounded number of tries", async () => {
    answer = () => undefined;
    await expect(get()).rejects.toThrow(/silent for 0.3 s.*network connection/);
    expect(asked).toHaveLength(patience.tries);
  });

  test("has a mirror that is busy at first", async () => {
    answer = (request, response, nth) => {
      if (nth < 3) response.writeHead(503).end();
      else response.end(serve(request, response).rest);
    };
    await get();
    expect(asked).toHaveLength(3);
  });

  test("is not there at all", async () => {
    const closed = url;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await expect(
      fetchFile({ url: closed, bytes: content.length, sha256 }, target, { patience }),
    ).rejects.toMatchObject({
      name: "FetchError",
      problem: "network",
      message: expect.stringMatching(/ECONNREFUSED.*SHADOW_REBOOT_MIRROR/) as string,
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });
});

describe("a wrong file", () => {
  test("that is missing is asked for once", async () => {
    answer = (_, response) => response.writeHead(404).end("not here");
    await expect(get()).rejects.toMatchObject({ problem: "missing" });
    expect(asked).toHaveLength(1);
  });

  test("of another size is refused before it is fetched", async () => {
    answer = (request, response) =>
      response.end(serve(request, response, content.subarray(1)).rest);
    await expect(get()).rejects.toThrow(/has 299999 bytes instead of 300000/);
    expect(asked).toHaveLength(1);
  });

  test("of another size is not waited for", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    answer = (_, response) => {
      closed = once(response, "close");
      response.writeHead(200, { "content-length": content.length + 1 }).write("x");
    };
    const patient = { ...patience, stallMs: 600_000 };
    await expect(get({ patience: patient })).rejects.toMatchObject({ problem: "size" });
    await closed;
  }, 4000);

  test("that never ends is cut off at the expected size", async () => {
    answer = (_, response) => {
      response.write(content);
      response.write(content);
    };
    await expect(get()).rejects.toMatchObject({ problem: "size" });
  });

  test("of other bytes is refused, and nothing of it stays", async () => {
    const changed = Buffer.from(content);
    changed.writeUInt8(255 - changed.readUInt8(1234), 1234);
    answer = (request, response) => response.end(serve(request, response, changed).rest);
    await expect(get()).rejects.toMatchObject({ problem: "hash" });
    expect(asked).toHaveLength(1);
    expect(await left()).toEqual([]);
  });
});

describe("an interrupted run", () => {
  /** No process has this id: it is beyond what any system gives out. */
  const deadProcess = 2 ** 30;

  test("is resumed by the next one", async () => {
    await writeFile(`${target}.${deadProcess}.part`, content.subarray(0, 123_456));
    answer = (request, response) => response.end(serve(request, response).rest);
    await get();
    expect(asked).toEqual(["bytes=123456-"]);
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(await left()).toEqual(["file.deb"]);
  });

  test("that left bad bytes costs one download from the start", async () => {
    await writeFile(`${target}.${deadProcess}.part`, randomBytes(5000));
    answer = (request, response) => response.end(serve(request, response).rest);
    await get();
    expect(asked).toEqual(["bytes=5000-", undefined]);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  test("that left too much costs one download from the start", async () => {
    await writeFile(`${target}.${deadProcess}.part`, randomBytes(400_000));
    answer = (request, response) => response.end(serve(request, response).rest);
    await get();
    expect(asked).toEqual([undefined]);
  });

  test("of a process that is still alive is left alone", async () => {
    await writeFile(`${target}.${process.ppid}.part`, content.subarray(0, 1000));
    answer = (request, response) => response.end(serve(request, response).rest);
    await get();
    expect(asked).toEqual([undefined]);
    expect(await left()).toEqual(["file.deb", "file.deb.PID.part"]);
  });

  test("keeps what it had when the user stops it", async () => {
    const stop = new AbortController();
    answer = (request, response) => response.write(serve(request, response).rest.subarray(0, 5000));
    const onProgress = () => {
      stop.abort();
    };
    const fetched = get({ signal: stop.signal, onProgress });
    await expect(fetched).rejects.toMatchObject({ name: "AbortError" });
    expect(asked).toHaveLength(1);
    answer = (request, response) => response.end(serve(request, response).rest);
    await get();
    expect(asked).toEqual([undefined, "bytes=5000-"]);
  });
});

test("a file cannot be put where a folder is missing the right to", async () => {
  await writeFile(join(folder, "taken"), "a file where a folder would have to be");
  answer = (request, response) => response.end(serve(request, response).rest);
  const file = { url, bytes: content.length, sha256 };
  await expect(fetchFile(file, join(folder, "taken", "file"), { patience })).rejects.toMatchObject({
    name: "CacheError",
  });
});

describe("a small file", () => {
  test("is tried again and comes whole", async () => {
    answer = (request, response, nth) => {
      const { rest } = serve(request, response);
      if (nth === 1) response.write(rest.subarray(0, 1000), () => response.destroy());
      else response.end(rest);
    };
    expect(Buffer.from(await fetchSmall(url, 300_000, { patience })).equals(content)).toBe(true);
  });

  test("that is not small is refused", async () => {
    answer = (request, response) => response.end(serve(request, response).rest);
    await expect(fetchSmall(url, 299_999, { patience })).rejects.toMatchObject({ problem: "size" });
  });
});

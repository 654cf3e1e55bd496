import { describe, expect, test } from "vitest";
import { showEndpoint } from "../../../src/process/files/inet-address.js";
import { isListening, isUnderWay, parseTcp } from "../../../src/process/files/tcp-table.js";

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0050 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 2081 1 c2b3e000 100 0 0 10 0
   1: 0100007F:0050 0100007F:8A1E 06 00000000:00000000 03:00001770 00000000     0        0 0 3 c2b9f000
   2: 0100007F:8A20 0100007F:0050 08 00000000:00000005 00:00000000 00000000    33        0 2090 1 c2b3e600 20 4 1 10 -1
`;

const TABLE_6 =
  "   0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000001000000:0050 01 00000000:00000000 00:00000000 00000000     0        0 31 1 c2b3e000 20 4 1 10 -1\n";

describe("the table of TCP sockets", () => {
  const entries = parseTcp(TABLE);

  test("has the ends of a connection, its state and what was not read of it", () => {
    expect(entries.map(({ local, remote }) => [showEndpoint(local), showEndpoint(remote)])).toEqual(
      [
        ["127.0.0.1:80", "0.0.0.0:0"],
        ["127.0.0.1:80", "127.0.0.1:35358"],
        ["127.0.0.1:35360", "127.0.0.1:80"],
      ],
    );
    expect(entries[2]).toMatchObject({ state: 8, received: 5, inode: 2090 });
  });

  test("tells the sockets that no process has", () => {
    expect(entries.map(({ inode }) => inode === 0)).toEqual([false, true, false]);
  });

  test("tells which sockets wait for others to connect", () => {
    expect(entries.map(isListening)).toEqual([true, false, false]);
  });

  test("tells where a connection waits to be accepted", () => {
    expect(entries.map(isUnderWay)).toEqual([true, false, false]);
  });

  test("shows addresses of IPv6, and those of IPv4 among them as such", () => {
    const [entry] = parseTcp(TABLE_6);
    expect(entry && showEndpoint(entry.local)).toBe("127.0.0.1:8080");
    expect(entry && showEndpoint(entry.remote)).toBe("[0:0:0:0:0:0:0:1]:80");
  });

  test.each(["", "garbage", TABLE.slice(0, 130), TABLE.replaceAll(" 0A ", " ZZ ")])(
    "leaves out what is no line of it",
    (text) => {
      expect(parseTcp(text).length).toBeLessThan(3);
    },
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  endpointOf,
  isAnywhere,
  loopbackOf,
  showEndpoint,
} from "../../../src/process/files/inet-address.js";

const V4 = Uint8Array.of(2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

function v6(host: readonly number[]): Uint8Array {
  return Uint8Array.of(10, 0, 0x1f, 0x90, 0, 0, 0, 0, ...host, 0, 0, 0, 0);
}

function show(address: Uint8Array): string | null {
  const endpoint = endpointOf(address);
  return endpoint === null ? null : showEndpoint(endpoint);
}

test("an address shows its host and port", () => {
  expect(show(V4)).toBe("127.0.0.1:8080");
  expect(show(v6([0xfe, 0x80, ...Array<number>(13).fill(0), 1]))).toBe("[fe80:0:0:0:0:0:0:1]:8080");
});

test("an IPv4 address is the same in a socket of IPv6", () => {
  expect(show(v6([...Array<number>(10).fill(0), 0xff, 0xff, 127, 0, 0, 1]))).toBe(show(V4));
});

test("what is bound to any address is reached by the loopback of its family", () => {
  const any4 = V4.slice().fill(0, 4, 8);
  const any6 = v6(Array<number>(16).fill(0));
  const mapped = v6([...Array<number>(10).fill(0), 0xff, 0xff, 0, 0, 0, 0]);
  expect(show(loopbackOf(any4))).toBe("127.0.0.1:8080");
  expect(show(loopbackOf(any6))).toBe("[0:0:0:0:0:0:0:1]:8080");
  expect(show(loopbackOf(mapped))).toBe("127.0.0.1:8080");
  expect(loopbackOf(V4)).toBe(V4);
});

test("whatever the kernel gives as an address, it is read or known to be none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (address) => {
      const endpoint = endpointOf(address);
      if (endpoint === null) return;
      expect([4, 16]).toContain(endpoint.host.length);
      expect(isAnywhere(endpointOf(loopbackOf(address)) ?? endpoint)).toBe(false);
    }),
  );
});

/**
 * Addresses of the internet.
 *
 * References:
 * - [ip(7)] `struct sockaddr_in`, [ipv6(7)] `struct sockaddr_in6`
 */

const AF_INET = 2;
const AF_INET6 = 10;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** An address and a port, apart from how a socket has them. */
export interface Endpoint {
  /** Four bytes, or sixteen that are no IPv4 address. */
  readonly host: readonly number[];
  readonly port: number;
}

/** What a `struct sockaddr` says; null if it is no address of the internet. */
export function endpointOf(address: Uint8Array): Endpoint | null {
  if (address.length < 8) return null;
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2, false);
  if (family === AF_INET) return { host: [...address.subarray(4, 8)], port };
  if (family !== AF_INET6 || address.length < 24) return null;
  return endpointAt([...address.subarray(8, 24)], port);
}

/** The endpoint at an address of four or sixteen bytes; an IPv4 address that is written as one of IPv6 is the same. */
export function endpointAt(host: readonly number[], port: number): Endpoint {
  const isMapped = host.length === 16 && MAPPED.every((byte, index) => host[index] === byte);
  return { host: isMapped ? host.slice(12) : host, port };
}

/** An endpoint as messages show it, and by which it is known. */
export function showEndpoint({ host, port }: Endpoint): string {
  if (host.length === 4) return `${host.join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((host[2 * index] ?? 0) << 8) | (host[2 * index + 1] ?? 0)).toString(16),
  );
  return `[${groups.join(":")}]:${port}`;
}

/** Whether an endpoint is at no address in particular. */
export function isAnywhere({ host }: Endpoint): boolean {
  return host.every((byte) => byte === 0);
}

/** The address by which a socket that is bound to any address is reached from its own machine. */
export function loopbackOf(address: Uint8Array): Uint8Array {
  const endpoint = endpointOf(address);
  if (endpoint === null || !isAnywhere(endpoint)) return address;
  const reached = address.slice();
  if (endpoint.host.length === 4) reached.set([127, 0, 0, 1], reached.length === 16 ? 4 : 20);
  else reached[23] = 1;
  return reached;
}

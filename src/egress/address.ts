import ipaddr from 'ipaddr.js';

/** An IPv4 or IPv6 address as bytes. An IPv4 address mapped into IPv6 (`::ffff:0:0/96`) is its IPv4 address. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network: its first address and the length of its prefix. */
export type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Parses an address, with or without a zone (`fe80::1%eth0`). @throws Error for any other text. */
export function parseAddress(text: string): Address {
  return ipaddr.process(text);
}

/** Parses a network such as `10.0.0.0/8`, or an address, which is a network of one. @throws Error for other text. */
export function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = parseAddress(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** True if the address lies in the network. */
export function isIn(address: Address, [first, bits]: Network): boolean {
  return first.kind() === address.kind() && address.match(first, bits);
}

/** A text that is equal for all spellings of an address. */
export function canonical(address: Address): string {
  const text = address.toNormalizedString();
  const zone = text.indexOf('%');
  return zone < 0 ? text : text.slice(0, zone);
}

/** Ways to write an IPv4 address within an IPv6 one: the network, and where the bytes are. */
const EMBEDDINGS: readonly { network: Network; bytes: readonly (readonly number[])[]; inverted?: true }[] = [
  { network: parseNetwork('::/96'), bytes: [[12, 13, 14, 15]] }, // IPv4-compatible, RFC 4291
  { network: parseNetwork('::ffff:0:0:0/96'), bytes: [[12, 13, 14, 15]] }, // IPv4-translated, RFC 2765
  { network: parseNetwork('64:ff9b::/96'), bytes: [[12, 13, 14, 15]] }, // NAT64, RFC 6052
  // NAT64 of a network of one's own, RFC 8215, with a prefix of 96, 64, 56 or 48 bits (RFC 6052, section 2.2).
  {
    network: parseNetwork('64:ff9b:1::/48'),
    bytes: [
      [12, 13, 14, 15],
      [9, 10, 11, 12],
      [7, 9, 10, 11],
      [6, 7, 9, 10],
    ],
  },
  { network: parseNetwork('2002::/16'), bytes: [[2, 3, 4, 5]] }, // 6to4, RFC 3056
  { network: parseNetwork('2001::/32'), bytes: [[4, 5, 6, 7]] }, // Teredo: the server, RFC 4380
  { network: parseNetwork('2001::/32'), bytes: [[12, 13, 14, 15]], inverted: true }, // Teredo: the client
];

/** The IPv4 addresses that an IPv6 address stands for, if it is of a form that holds any. */
export function embeddedIn(address: Address): ipaddr.IPv4[] {
  if (address.kind() === 'ipv4') return [];
  const all = address.toByteArray();
  const known = EMBEDDINGS.filter(({ network }) => isIn(address, network)).flatMap(({ bytes, inverted }) =>
    bytes.map((places) => ipv4At(all, places, inverted)),
  );
  return isIsatap(all) ? [...known, ipv4At(all, [12, 13, 14, 15])] : known;
}

function ipv4At(bytes: readonly number[], places: readonly number[], inverted = false): ipaddr.IPv4 {
  return new ipaddr.IPv4(places.map((place) => (inverted ? 255 - (bytes[place] ?? 0) : (bytes[place] ?? 0))));
}

/** RFC 5214: the interface part of such an address is `0:5efe` or `200:5efe` and an IPv4 address, in any network. */
function isIsatap(bytes: readonly number[]): boolean {
  return (bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
}

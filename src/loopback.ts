import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * True for an address of the loopback interface, in any spelling: 127.0.0.0/8, `::1`, and 127.0.0.0/8 mapped into IPv6
 * (`::ffff:127.0.0.1`, `::ffff:7f00:1`). False for names, and for addresses that only embed such an address (NAT64).
 */
export function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && LOOPBACK.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** True if a Host header (a name or an address, with or without a port) names the loopback interface. */
export function namesThisMachine(host: string): boolean {
  if (/[@/?#\\]/.test(host) || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  if (hostname === 'localhost') return true;
  return isLoopback(hostname.replace(/^\[|\]$/g, ''));
}

/** True if a request to a URL can contain secrets: over TLS or, if `loopbackAllowed`, to this machine. */
export function canCarrySecrets({ protocol, host }: Pick<URL, 'protocol' | 'host'>, loopbackAllowed: boolean): boolean {
  return protocol === 'https:' || (loopbackAllowed && namesThisMachine(host));
}

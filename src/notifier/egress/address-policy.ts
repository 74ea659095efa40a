import ipaddr from 'ipaddr.js';

/**
 * Whether a webhook may be sent to an address. Judged by bytes: every way to write an address gives the same answer.
 */
export type AddressPolicy = (address: string) => boolean;

/** Instance metadata services: they hand out credentials to whoever can make a machine ask them. */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
];

/**
 * Denies metadata services and everything in `denied`. Without authentication the API listens on loopback, and whoever
 * registers receivers is the machine's own user, so other addresses are allowed.
 */
export function createAddressPolicy(denied: readonly string[] = []): AddressPolicy {
  const hosts = new Set(METADATA.map((address) => ipaddr.process(address).toNormalizedString()));
  const ranges = denied.map((range) => ipaddr.parseCIDR(range));
  return (text) => {
    const address = ipaddr.process(text); // an IPv4 address inside an IPv6 one is judged as what it is
    if (hosts.has(address.toNormalizedString())) return false;
    return !ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}

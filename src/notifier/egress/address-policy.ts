import ipaddr from 'ipaddr.js';

/** Returns true if a webhook may be sent to this address. All spellings of one address give the same answer. */
export type AddressPolicy = (address: string) => boolean;

/** Instance metadata services. They give credentials to any request that comes from the machine itself. */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
];

/**
 * Denies metadata services and the CIDR ranges in `denied`. All other addresses are allowed, private ones too: without
 * authentication the API listens on loopback only, so every receiver was registered by a user of this machine.
 */
export function createAddressPolicy(denied: readonly string[] = []): AddressPolicy {
  const hosts = new Set(METADATA.map((address) => ipaddr.process(address).toNormalizedString()));
  const ranges = denied.map((range) => ipaddr.parseCIDR(range));
  return (text) => {
    const address = ipaddr.process(text); // an IPv4 address mapped into IPv6 counts as IPv4
    if (hosts.has(address.toNormalizedString())) return false;
    return !ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
}

import { canonical, embeddedIn, isIn, parseAddress, parseNetwork, type Address, type Network } from './address.js';

/**
 * Instance metadata services. They give credentials to any request that comes from the machine itself. Sources: the
 * documentation of EC2, ECS and EKS, Google Cloud, Alibaba Cloud, Azure and Oracle Cloud.
 */
const METADATA = new Set(
  [
    ...['169.254.169.254', '169.254.169.253', '169.254.169.123', '169.254.170.2', '169.254.170.23'],
    ...['fd00:ec2::254', 'fd00:ec2::253', 'fd00:ec2::123', 'fd00:ec2::23', 'fd20:ce::254'],
    ...['100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ].map((text) => canonical(parseAddress(text))),
);

/** IPv4 networks that are not globally routable unicast, by the IANA registry of special-purpose addresses. */
const SPECIAL_IPV4 = networks(
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
);
/** Global unicast, which has these exceptions: protocol assignments with Teredo, documentation, 6to4, documentation. */
const [GLOBAL_IPV6] = networks('2000::/3') as [Network];
const SPECIAL_IPV6 = networks('2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20');

/** What a machine or a site uses within: private use, shared address space of carriers, unique local. */
const PRIVATE = networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7');

function networks(...texts: string[]): Network[] {
  return texts.map(parseNetwork);
}

/** True for a metadata service, also for an IPv6 address that embeds the IPv4 address of one. */
export function isMetadata(address: Address): boolean {
  return [address, ...embeddedIn(address)].some((each) => METADATA.has(canonical(each)));
}

/** True for an address of the public internet. */
export function isPublic(address: Address): boolean {
  if (address.kind() === 'ipv4') return !SPECIAL_IPV4.some((network) => isIn(address, network));
  return (
    isIn(address, GLOBAL_IPV6) &&
    !SPECIAL_IPV6.some((network) => isIn(address, network)) &&
    embeddedIn(address).every(isPublic)
  );
}

/** True for an address that is used within a site. */
export function isPrivate(address: Address): boolean {
  return PRIVATE.some((network) => isIn(address, network));
}

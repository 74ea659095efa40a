import { isLoopback } from '../loopback.js';
import { canonical, embeddedIn, type Address } from './address.js';
import { isMetadata, isPrivate, isPublic } from './address-ranges.js';
import { entryFits, isExact, isInside, type AllowEntry, type Connection } from './allow-list.js';

/** Which connections to addresses that users chose are allowed: the section `egress` of the configuration. */
export interface EgressRules {
  allow: readonly AllowEntry[];
  isDeniedPort: (port: number) => boolean;
  /** True: loopback and private addresses are allowed like public ones, those of loopback with every port. */
  privateAllowed: boolean;
  /** True: loopback addresses are allowed like public ones. */
  loopbackAllowed: boolean;
  /** True: only `https:` URLs are allowed. */
  httpsOnly: boolean;
}

/** Addresses that are not in the configuration, or only by name. */
export interface KnownServices {
  /** `address:port` of this service's listeners, databases, Keystone and backends. */
  own: ReadonlySet<string>;
  /** `host:port` of Heat, as Keystone's catalogue has them. They may be called, private addresses included. */
  heat: ReadonlySet<string>;
}

/** Why a connection is refused. Users are told that it is, operators this. */
export type EgressRefusal = 'metadata service' | 'service of this installation' | 'port' | 'address' | 'not https';

/** The key of `KnownServices.own`. */
export function ownServiceKey(address: Address, port: number): string {
  return `${canonical(address)}:${port}`;
}

/**
 * Decides about one connection. A metadata service and a service of this installation need an entry of `allow` with
 * exactly that address; every other address that is not public needs an entry that holds it. An IPv6 address that
 * embeds an IPv4 address is judged by both.
 * @returns undefined if the connection is allowed.
 */
export function refusalOf(
  connection: Connection,
  rules: EgressRules,
  services: KnownServices,
): EgressRefusal | undefined {
  const { address, hostname, port } = connection;
  const entries = rules.allow.filter((entry) => entryFits(entry, connection) && isInside(entry, address));
  const isNamed = entries.some((entry) => isExact(entry, address));
  if (isMetadata(address) && !isNamed) return 'metadata service';
  if (services.heat.has(`${hostname}:${port}`)) return undefined;
  if (!isNamed && !isReachable(address, rules)) {
    if (entries.length === 0) return 'address';
    const judge = (embedded: Address): EgressRefusal | undefined =>
      refusalOf({ ...connection, address: embedded }, rules, services);
    const refusal = embeddedIn(address)
      .map(judge)
      .find((each) => each !== undefined);
    if (refusal !== undefined) return refusal;
  }
  if (isPortRefused(connection, rules, entries)) return 'port';
  const isOwn = [address, ...embeddedIn(address)].some((each) => services.own.has(ownServiceKey(each, port)));
  return isOwn && !isNamed ? 'service of this installation' : undefined;
}

/** On its own machine a user reaches every port anyway. */
function isPortRefused(
  { address, port }: Connection,
  { isDeniedPort, privateAllowed }: EgressRules,
  entries: readonly AllowEntry[],
): boolean {
  if (privateAllowed && isLoopback(canonical(address))) return false;
  return isDeniedPort(port) && !entries.some(({ ports }) => ports);
}

function isReachable(address: Address, { privateAllowed, loopbackAllowed }: EgressRules): boolean {
  if (isPublic(address)) return true;
  if (isLoopback(canonical(address))) return loopbackAllowed || privateAllowed;
  return privateAllowed && isPrivate(address);
}

/** Like `refusalOf` for a name that is not resolved yet: only its port can be refused. */
export function refusalOfName(
  connection: Omit<Connection, 'address'>,
  { allow, isDeniedPort }: EgressRules,
  { heat }: KnownServices,
): EgressRefusal | undefined {
  if (!isDeniedPort(connection.port) || heat.has(`${connection.hostname}:${connection.port}`)) return undefined;
  return allow.some((entry) => entry.ports && entryFits(entry, connection)) ? undefined : 'port';
}

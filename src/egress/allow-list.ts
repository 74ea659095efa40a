import { isIn, type Address, type Network } from './address.js';

/** Receivers that the operator allows beside public ones: an entry of `egress.allow`. */
export interface AllowEntry {
  /** Undefined: any address that `hostname` resolves to. */
  network: Network | undefined;
  /** In lower case, without a dot at its end. Undefined: any name. */
  hostname: string | undefined;
  /** Undefined: every port that `egress.deny_ports` does not deny. */
  ports: ReadonlySet<number> | undefined;
  /** Ids of projects. Undefined: all. */
  projects: ReadonlySet<string> | undefined;
}

/** A connection that is to be made: for whom, and where to. */
export interface Connection {
  address: Address;
  /** As in the parsed URL, without a dot at its end: a name, or an address. */
  hostname: string;
  port: number;
  projectId: string | null;
}

/** True if name, port and project of the connection fit the entry. The address is not compared. */
export function entryFits({ hostname, ports, projects }: AllowEntry, connection: Omit<Connection, 'address'>): boolean {
  return (
    (hostname === undefined || hostname === connection.hostname) &&
    (ports === undefined || ports.has(connection.port)) &&
    (projects === undefined || (connection.projectId !== null && projects.has(connection.projectId)))
  );
}

/** True if the address lies in the network of the entry, or the entry has none. */
export function isInside({ network }: AllowEntry, address: Address): boolean {
  return network === undefined || isIn(address, network);
}

/** True if the entry names exactly this address, and no other. */
export function isExact({ network }: AllowEntry, address: Address): boolean {
  return network !== undefined && network[1] === (address.kind() === 'ipv4' ? 32 : 128) && isIn(address, network);
}

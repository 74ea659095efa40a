import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

import type { AddressPolicy } from './address-policy.js';

/** The address policy does not allow a connection to this address. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress';
  readonly code = 'EBLOCKED';
}

/**
 * Makes a DNS lookup that fails with `BlockedAddress` unless all addresses of the name are allowed. The connection uses
 * the checked addresses; the name is not resolved again. Node.js does no lookup for a host that is an address already:
 * use `isBlockedLiteral` for these.
 */
export function guardedLookup(isAllowed: AddressPolicy): LookupFunction {
  return (hostname, options: LookupOptions, callback) => {
    systemLookup(hostname, { ...options, all: true }, (cause, addresses: LookupAddress[]) => {
      if (cause) return callback(cause, '', 0);
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address))) {
        return callback(new BlockedAddress(`address of ${hostname} not allowed`), '', 0);
      }
      if (options.all) return callback(null, addresses, 0);
      return callback(null, first.address, first.family);
    });
  };
}

/** Returns true if the host is an address that is not allowed. `hostname` comes from a parsed URL. */
export function isBlockedLiteral(hostname: string, isAllowed: AddressPolicy): boolean {
  const text = hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(text) && !isAllowed(text);
}

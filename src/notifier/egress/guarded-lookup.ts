import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

import type { AddressPolicy } from './address-policy.js';

/** Why a connection was not attempted. */
export class BlockedAddress extends Error {
  override readonly name = 'BlockedAddress';
  readonly code = 'EBLOCKED';
}

/**
 * Resolves a name and hands out its addresses only if every one of them is allowed; the connection is made to what was
 * checked, nothing is resolved twice. Addresses written out never come here: `refuseLiteral` is for them.
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

/** For hosts that are addresses: the URL parser has already brought every spelling to one form. */
export function isBlockedLiteral(hostname: string, isAllowed: AddressPolicy): boolean {
  const text = hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(text) && !isAllowed(text);
}

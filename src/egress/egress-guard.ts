import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { lookup as lookupAll } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';

import { parseAddress } from './address.js';
import type { Connection } from './allow-list.js';
import { refusalOf, refusalOfName, type EgressRefusal, type EgressRules } from './egress-policy.js';
import type { HeatEndpoints } from './heat-endpoints.js';

/**
 * A connection is not made. `blocked`: the policy does not allow the address. `undecided`: it may be Heat's, but
 * Keystone, which knows Heat's addresses, does not answer, or the name cannot be resolved; a later attempt may be
 * allowed.
 */
export type EgressVerdict = { kind: 'allowed' } | { kind: 'blocked'; refusal: EgressRefusal } | { kind: 'undecided' };

/** The error of a lookup whose addresses are not allowed. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  /** `EBLOCKED` or `EUNDECIDED`. */
  readonly code: string;

  constructor(verdict: Exclude<EgressVerdict, { kind: 'allowed' }>) {
    super(verdict.kind === 'blocked' ? `address not allowed: ${verdict.refusal}` : 'Keystone does not answer');
    this.code = verdict.kind === 'blocked' ? 'EBLOCKED' : 'EUNDECIDED';
  }
}

/** What may be connected to for one URL and one project. */
export interface EgressGate {
  /** Judges the scheme, and the host as it is written: an address as any other, of a name only the port. */
  host(): Promise<EgressVerdict>;
  /** Judges the scheme, the host and, if it is a name, all its addresses: for a URL that another service is to call. */
  resolved(): Promise<EgressVerdict>;
  /** Resolves a name; fails with AddressRefused unless all of its addresses are allowed. */
  lookup: LookupFunction;
  /** For the address that a socket is connected to. */
  isAllowed(address: string): boolean;
}

/** Judges URLs that users chose. Nothing else decides what they may make this service connect to. */
export interface EgressGuard {
  /** The gate for one attempt, or for one look at a URL. `url` is `http:` or `https:`. */
  gateTo(url: URL, projectId: string | null): Promise<EgressGate>;
}

export interface EgressGuardDeps {
  rules: EgressRules;
  /** Keys of `KnownServices.own`. */
  ownServices: () => Promise<ReadonlySet<string>>;
  heat: HeatEndpoints;
}

type Judge = (known: { own: ReadonlySet<string>; heat: ReadonlySet<string> }) => EgressRefusal | undefined;

const ALLOWED: EgressVerdict = { kind: 'allowed' };
const NONE: ReadonlySet<string> = new Set();
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

export function createEgressGuard({ rules, ownServices, heat }: EgressGuardDeps): EgressGuard {
  return {
    async gateTo(url, projectId) {
      const own = await ownServices();
      const target: Omit<Connection, 'address'> = { hostname: hostnameOf(url), port: portOf(url), projectId };
      const judgeOf =
        (address: string): Judge =>
        (known) =>
          refusalOf({ ...target, address: parseAddress(address) }, rules, known);
      const decide = async (judge: Judge): Promise<EgressVerdict> => {
        const refusal = judge({ own, heat: heat.known() ?? NONE });
        if (refusal === undefined) return ALLOWED;
        if (heat.known()) return { kind: 'blocked', refusal };
        const found = await heat.fetched();
        if (!found) return { kind: 'undecided' };
        const second = judge({ own, heat: found });
        return second === undefined ? ALLOWED : { kind: 'blocked', refusal: second };
      };
      const literal = literalOf(target.hostname);
      const host = async (): Promise<EgressVerdict> => {
        if (rules.httpsOnly && url.protocol !== 'https:') return { kind: 'blocked', refusal: 'not https' };
        return decide(literal === undefined ? (known) => refusalOfName(target, rules, known) : judgeOf(literal));
      };
      return {
        host,
        async resolved() {
          const verdict = await host();
          if (verdict.kind !== 'allowed' || literal !== undefined) return verdict;
          const addresses = await lookupAll(target.hostname, { all: true }).catch(() => []);
          const verdicts = await Promise.all(addresses.map(({ address }) => decide(judgeOf(address))));
          return verdicts.length === 0
            ? { kind: 'undecided' }
            : (verdicts.find(({ kind }) => kind !== 'allowed') ?? ALLOWED);
        },
        lookup: guardedLookup((address) => decide(judgeOf(address))),
        isAllowed: (address) => judgeOf(address)({ own, heat: heat.known() ?? NONE }) === undefined,
      };
    },
  };
}

/** The host of a parsed URL without brackets, and without a dot at its end. */
function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port);
}

/** The address that a host is, or is known to resolve to (RFC 6761, section 6.3). Undefined for other names. */
function literalOf(hostname: string): string | undefined {
  if (isIP(hostname) !== 0) return hostname;
  return /(?:^|\.)localhost$/.test(hostname) ? '127.0.0.1' : undefined;
}

/** The connection uses the checked addresses: the name is not resolved again. */
function guardedLookup(verdictOf: (address: string) => Promise<EgressVerdict>): LookupFunction {
  return (hostname, options: LookupOptions, callback) => {
    const refuse = (cause: Error): void => callback(cause, '', 0);
    systemLookup(hostname, { ...options, all: true }, (cause, addresses: LookupAddress[]) => {
      if (cause) return refuse(cause);
      void Promise.all(addresses.map(({ address }) => verdictOf(address))).then((verdicts) => {
        const refused = verdicts.find((verdict) => verdict.kind !== 'allowed');
        const [first] = addresses;
        if (refused) return refuse(new AddressRefused(refused));
        if (first === undefined) return refuse(new Error(`${hostname} has no address`));
        if (options.all) return callback(null, addresses, 0);
        return callback(null, first.address, first.family);
      }, refuse);
    });
  };
}

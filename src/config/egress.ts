import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const LAST_PORT = 65_535;

/** Ports as they are written, a number or a range such as `8000-8100`, as the numbers of the ports. */
const Ports = z
  .union([z.number(), z.string()])
  .transform(String)
  .refine((text) => portsOf(text) !== undefined, 'expected a port, or ports such as 8000-8100')
  .transform((text) => portsOf(text) ?? []);

function portsOf(text: string): number[] | undefined {
  const [, first = '', last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from < 1 || to > LAST_PORT || from > to) return undefined;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A list of ports and ranges. */
export const portList = z.array(Ports).transform((lists) => new Set(lists.flat()) as ReadonlySet<number>);

/** True for an address, or a network such as 10.0.0.0/8. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
}

const Entry = z
  .strictObject({
    cidr: z.string().refine(isNetwork, 'expected an address or a network such as 10.0.0.0/8').optional(),
    hostname: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/, 'expected the name of a host')
      .transform((name) => name.toLowerCase().replace(/\.$/, ''))
      .optional(),
    ports: portList.optional(),
    projects: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine(
    ({ cidr, hostname }) => cidr !== undefined || hostname !== undefined,
    'expected cidr (an address or a network), hostname, or both',
  );

/** An entry of `egress.allow`. A text alone is its `cidr` or `hostname`. */
export const allowEntry = z.preprocess((written) => {
  if (typeof written !== 'string') return written;
  return isNetwork(written) ? { cidr: written } : { hostname: written };
}, Entry);

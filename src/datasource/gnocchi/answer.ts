import { z } from 'zod';

/** Gnocchi's own words for a refusal: a text, or an object of `cause`, `reason` and `detail`. */
export type GnocchiDescription = string | Readonly<Record<string, unknown>>;

/**
 * What came of a question. A refusal is what Gnocchi answered with an HTTP status of 400 or above: below 500 it will say so again, the others
 * may pass. Trouble is everything that kept it from answering; its `reason` is fit for a client's eyes: it names no address. `cause` is for logs.
 */
export type GnocchiAnswer<T> =
  | { kind: 'answer'; value: T }
  | { kind: 'refusal'; status: number; description: GnocchiDescription }
  | { kind: 'trouble'; reason: string; cause: unknown };

const MAX_DESCRIPTION = 16 * 1024;
/** Gnocchi's own go three deep. */
const MAX_DEPTH = 8;

const Refusal = z.object({ description: z.union([z.string(), z.record(z.string(), z.unknown())]) });

/** What stands for a description that is not Gnocchi's. */
export function withoutDescription(status: number): string {
  return `Gnocchi answered with status ${status}`;
}

/** What a status of 400 and above says, if it says it in Gnocchi's way: a proxy's page may name what clients should not see. */
export function refusalOf(status: number, text: string): GnocchiAnswer<never> {
  const undescribed = { kind: 'refusal', status, description: withoutDescription(status) } as const;
  if (text.length > MAX_DESCRIPTION) return undescribed;
  try {
    const { description } = Refusal.parse(JSON.parse(text));
    return isShallow(description, MAX_DEPTH) ? { kind: 'refusal', status, description } : undescribed;
  } catch {
    return undescribed;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

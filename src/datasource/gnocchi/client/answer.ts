import { z } from 'zod';

import { parsedForPython, PythonFloat, RawJson } from '../../../alarm/wire/python-json.js';
import { BackendUnavailable } from '../../gate/backend-unavailable.js';

/** Gnocchi's own words for a refusal: a text, or an object of `cause`, `reason` and `detail`. */
export type GnocchiDescription = string | Readonly<Record<string, unknown>>;

/**
 * What came of a question. A refusal is what Gnocchi answered with an HTTP status of 400 or above: below 500 it will
 * say so again, the others may pass. Trouble is everything that kept it from answering; its `reason` is fit for a
 * client's eyes: it names no address. `cause` is for logs.
 */
export type GnocchiAnswer<T> =
  | { kind: 'answer'; value: T }
  | { kind: 'refusal'; status: number; description: GnocchiDescription }
  | { kind: 'trouble'; reason: string; cause: unknown };

const MAX_DESCRIPTION = 16 * 1024;
/** Gnocchi's own go three deep. */
const MAX_DEPTH = 8;

const RefusalBody = z.object({ description: z.union([z.string(), z.record(z.string(), z.unknown())]) });

/**
 * What a status of 400 and above says, if it says it in Gnocchi's way. Anything else comes from a proxy without a way
 * to Gnocchi, or the address is wrong: that is trouble, and it may name what clients should not see. Of 401 and 5xx the
 * status says enough.
 */
export function refusalOf(status: number, text: string): GnocchiAnswer<never> {
  const { data } = RefusalBody.safeParse(valueIn(text));
  if (data === undefined && status !== 401 && status < 500) {
    const reason = `it answered with status ${status}`;
    return { kind: 'trouble', reason, cause: new BackendUnavailable(reason) };
  }
  const isFit = data !== undefined && text.length <= MAX_DESCRIPTION && isShallow(data.description, MAX_DEPTH);
  return { kind: 'refusal', status, description: isFit ? data.description : `Gnocchi answered with status ${status}` };
}

/**
 * Parses an error so that its numbers are quoted as Gnocchi wrote them, unless it is too long or too deep to be quoted.
 */
function valueIn(text: string): unknown {
  const parsed = attempt(() => JSON.parse(text) as unknown);
  return text.length > MAX_DESCRIPTION ? parsed : (attempt(() => parsedForPython(text)) ?? parsed);
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof PythonFloat || value instanceof RawJson)
    return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

import { z } from 'zod';

import { parsedForPython, PythonFloat, RawJson } from '../../../alarm/wire/python-json.js';
import { BackendUnavailable } from '../../../http/backend-unavailable.js';

/** Gnocchi's own text of a refusal: a string, or an object of `cause`, `reason` and `detail`. */
export type GnocchiDescription = string | Readonly<Record<string, unknown>>;

/**
 * The result of a request. `refusal`: Gnocchi answered with an HTTP status of 400 or above; below 500 it will do so
 * again, the others may pass. `outage`: Gnocchi could not answer; `reason` names no address and may be shown to
 * clients, `cause` is for logs.
 */
export type GnocchiAnswer<T> =
  | { kind: 'answer'; value: T }
  | { kind: 'refusal'; status: number; description: GnocchiDescription }
  | { kind: 'outage'; reason: string; cause: unknown };

const MAX_DESCRIPTION = 16 * 1024;
/** Descriptions of Gnocchi itself are three levels deep. */
const MAX_DEPTH = 8;

const RefusalBody = z.object({ description: z.union([z.string(), z.record(z.string(), z.unknown())]) });

/**
 * Reads an answer with a status of 400 or above. Anything but Gnocchi's own form comes from a proxy that does not reach
 * Gnocchi, or from a wrong address: that is `outage`, and its text may name what clients must not see. For 401 and 5xx
 * the status says enough.
 */
export function refusalOf(status: number, text: string): GnocchiAnswer<never> {
  const { data } = RefusalBody.safeParse(valueIn(text));
  if (data === undefined && status !== 401 && status < 500) {
    const reason = `it answered with status ${status}`;
    return { kind: 'outage', reason, cause: new BackendUnavailable(reason) };
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

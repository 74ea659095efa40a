import { parseTimestamp } from '../../alarm/wire/timestamp.js';
import { invalidInput, type QueryParameters } from './query-parameters.js';

/** A parameter with one of these values; undefined without it. @throws AppError for another value. */
export function oneOf<Text extends string>(
  known: readonly Text[],
  query: QueryParameters,
  name: string,
): Text | undefined {
  const text = query.one(name);
  const value = known.find((each) => each === text);
  if (text !== undefined && value === undefined)
    throw invalidInput(name, text, `Value should be one of: ${known.join(', ')}`);
  return value;
}

/** A parameter with a time; undefined without it. @throws AppError for a text that is no time. */
export function momentIn(query: QueryParameters, name: string): Date | undefined {
  const text = query.one(name);
  const at = text === undefined ? undefined : parseTimestamp(text);
  if (text !== undefined && at === undefined) throw invalidInput(name, text, 'It is not a timestamp in ISO 8601.');
  return at;
}

/** A parameter that is `true` or `false`; undefined without it. @throws AppError for another value. */
export function flagIn(query: QueryParameters, name: string): boolean | undefined {
  const text = oneOf(['true', 'false'], query, name);
  return text === undefined ? undefined : text === 'true';
}

/** A parameter with a text; undefined without it. @throws AppError for one with more than `max` characters. */
export function textIn(query: QueryParameters, name: string, max: number): string | undefined {
  const text = query.one(name);
  if (text !== undefined && text.length > max)
    throw invalidInput(name, `${text.slice(0, 20)}…`, `at most ${max} characters`);
  return text;
}

/** The rows of a page; `byDefault` without `limit`, or with 0. @throws AppError for more than `max`. */
export function pageLimit(query: QueryParameters, { byDefault, max }: { byDefault: number; max: number }): number {
  const limit = query.limit() ?? byDefault;
  if (limit > max) throw invalidInput('limit', String(limit), `at most ${max}`);
  return limit;
}

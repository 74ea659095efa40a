import { z } from 'zod';

import { invalidInput, type QueryParameters } from './query-parameters.js';
import type { Sort } from './sort.js';

/** The values by which the last row of a page was ordered, by sort key. Times are ISO texts. */
export type CursorValues<Key extends string> = Readonly<Partial<Record<Key, string>>>;

/** Most characters of a cursor: names and ids in it are shorter. */
const MAX_CURSOR = 4_096;

const CursorText = z.strictObject({
  order: z.string(),
  values: z.array(z.string().refine((text) => !text.includes('\0'))),
});

/** The text with which a client reads the page after a row. It is opaque, and holds only what the row showed. */
export function cursorAfter<Key extends string>(sort: readonly Sort<Key>[], row: CursorValues<Key>): string {
  const values = sort.map(({ key }) => row[key] ?? '');
  return Buffer.from(JSON.stringify({ order: orderText(sort), values })).toString('base64url');
}

/**
 * The values in the `cursor` parameter; undefined without it. `times`: the sort keys whose values are times.
 * @throws AppError for a text that is no cursor of this order.
 */
export function cursorIn<Key extends string>(
  query: QueryParameters,
  sort: readonly Sort<Key>[],
  times: readonly Key[],
): CursorValues<Key> | undefined {
  const text = query.one('cursor');
  if (text === undefined) return undefined;
  const values = text.length > MAX_CURSOR ? undefined : valuesIn(text, orderText(sort));
  const isUsable =
    values?.length === sort.length && sort.every(({ key }, at) => !times.includes(key) || isTime(values[at] ?? ''));
  if (!isUsable) {
    const shown = text.length > 20 ? `${text.slice(0, 20)}…` : text;
    throw invalidInput('cursor', shown, 'It should be the next of an answer with the same sort.');
  }
  return Object.fromEntries(sort.map(({ key }, at) => [key, values[at]])) as CursorValues<Key>;
}

function valuesIn(text: string, order: string): string[] | undefined {
  const parsed = CursorText.safeParse(jsonIn(Buffer.from(text, 'base64url').toString()));
  return parsed.success && parsed.data.order === order ? parsed.data.values : undefined;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A time that the database accepts: of this calendar, from the year 1 on, in microseconds at most. */
function isTime(text: string): boolean {
  const [, seconds] = /^((?!0000)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,6})?Z$/.exec(text) ?? [];
  const date = new Date(text);
  return seconds !== undefined && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(seconds);
}

function orderText(sort: readonly Sort<string>[]): string {
  return sort.map(({ key, descending }) => (descending ? `${key}:desc` : key)).join(',');
}

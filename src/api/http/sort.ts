import { invalidInput, type QueryParameters } from './query-parameters.js';

/** One sort key with its direction. */
export interface Sort<Key extends string> {
  key: Key;
  descending: boolean;
}

/** Further sort keys hardly change the order, and each order is a statement of its own in the database. */
const MAX_KEYS = 5;

/**
 * The `sort=key[:dir]` parameters; newest first by default. The order ends in `tieBreaker`, in the direction of the
 * last key, so that pages neither skip nor repeat rows with equal keys.
 */
export function sortOf<Key extends string>(
  query: QueryParameters,
  keys: readonly Key[],
  tieBreaker: Key & string,
  byDefault: Sort<Key> = { key: 'timestamp' as Key, descending: true },
): Sort<Key>[] {
  const given = query.all('sort').map((text) => parse(text, keys));
  if (given.length > MAX_KEYS)
    throw invalidInput('sort', query.all('sort').join(','), `at most ${MAX_KEYS} sort keys are supported`);
  const sort = given.length > 0 ? given : [byDefault];
  const unique = sort.filter(({ key }, at) => sort.findIndex((other) => other.key === key) === at);
  const stop = unique.findIndex(({ key }) => key === tieBreaker);
  if (stop >= 0) return unique.slice(0, stop + 1);
  return [...unique, { key: tieBreaker, descending: unique.at(-1)?.descending ?? false }];
}

function parse<Key extends string>(text: string, keys: readonly Key[]): Sort<Key> {
  const [name, direction = '', ...rest] = text.split(':');
  const key = keys.find((known) => known === name);
  if (key === undefined || rest.length > 0 || !['', 'asc', 'desc'].includes(direction)) {
    const known = keys.map((supported) => `'${supported}'`).join(', ');
    throw invalidInput(
      'sort',
      text,
      "the sort parameter should be a pair of sort key and sort dir combined with ':', or only sort key specified " +
        `and sort dir will be default 'asc', the supported sort keys are: (${known})`,
    );
  }
  return { key, descending: direction === 'desc' };
}

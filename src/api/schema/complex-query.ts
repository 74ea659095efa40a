import { z } from 'zod';

import { optional, wireInt, wireText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import { filterTerms, type ComplexFilter } from '../../storage/queries/complex-filter.js';
import type { ComplexQuery } from '../../storage/queries/complex-query-store.js';
import {
  ALARM_FIELDS,
  HISTORY_FIELDS,
  type AlarmFieldName,
  type HistoryFieldName,
} from '../../storage/queries/query-fields.js';
import { parseWith } from '../http/faultstring.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { fieldNamed, onlyMember, parseFilter, parseJson, shown, type QueryFields } from './filter-expression.js';

/** The body of a complex query. `filter` and `orderby` are strings that hold JSON. */
export const ComplexQueryRequest = z.strictObject({
  filter: optional<string | null>(wireText(), null),
  orderby: optional<string | null>(wireText(), null),
  limit: optional<number | null>(wireInt(), null),
});
export type ComplexQueryRequest = z.infer<typeof ComplexQueryRequest>;

/** The fields of one kind of complex query. */
interface Queryable<Name extends string> extends QueryFields<Name> {
  /** Holds the project that may see the row. */
  owner: Name;
  /** Differs from row to row. Every order ends in it. */
  unique: Name;
  /** The default order, descending. */
  newestFirst: Name;
}

const ALIASES = { user: 'user_id', project: 'project_id' } as const;

/** Fields of complex queries for alarms. */
export const ALARM_QUERY: Queryable<AlarmFieldName> = {
  fields: ALARM_FIELDS,
  aliases: ALIASES,
  owner: 'project_id',
  unique: 'alarm_id',
  newestFirst: 'timestamp',
};

/** Fields of complex queries for history. An entry's owner is the alarm's project; `project_id` is the editor's. */
export const HISTORY_QUERY: Queryable<HistoryFieldName> = {
  fields: HISTORY_FIELDS,
  aliases: ALIASES,
  owner: 'on_behalf_of',
  unique: 'event_id',
  newestFirst: 'timestamp',
};

/** Further sort keys hardly change the order. */
const MAX_KEYS = 5;

/** Parses the body of a complex query. @throws AppError `invalid_request`. */
export function complexQueryRequest(body: unknown): ComplexQueryRequest {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "body"');
  const request = parseWith(ComplexQueryRequest, { argument: 'body', value: body });
  if (request.limit !== null && request.limit <= 0) throw new AppError('invalid_request', 'Limit should be positive');
  return request;
}

/**
 * The query for the store. It does not restrict the rows that the caller may see: the scope does.
 * @throws AppError `not_authorized` if the filter of a caller who is not an admin names another project, in any place.
 */
export function complexQuery<Name extends string>(
  { filter, orderby, limit }: ComplexQueryRequest,
  queryable: Queryable<Name>,
  identity: Identity,
): ComplexQuery<Name> {
  const parsed = filter === null ? undefined : parseFilter(filter, queryable);
  const sort = sortOf(orderby, queryable);
  if (parsed) for (const project of valuesOf(parsed, queryable.owner)) refuseForeignProject(identity, project);
  return { filter: parsed, sort, limit: limit ?? undefined };
}

function valuesOf<Name extends string>(filter: ComplexFilter<Name>, field: Name): string[] {
  return filterTerms(filter).flatMap((leaf) => {
    if (leaf.field !== field) return [];
    if (leaf.kind === 'compare') return [String(leaf.value)];
    if (leaf.kind === 'in') return leaf.values.map(String);
    return [leaf.kind === 'like' ? leaf.pattern : leaf.pattern.source];
  });
}

/** The requested order, newest first by default. It ends in the unique key, so that no two rows are equal in it. */
function sortOf<Name extends string>(orderby: string | null, queryable: Queryable<Name>): ComplexQuery<Name>['sort'] {
  const given = orderby === null ? [] : parseOrder(orderby, queryable);
  const keys = given.length > 0 ? given : [{ key: queryable.newestFirst, descending: true }];
  const unique = keys.filter(({ key }, at) => keys.findIndex((other) => other.key === key) === at);
  const stop = unique.findIndex(({ key }) => key === queryable.unique);
  if (stop >= 0) return unique.slice(0, stop + 1);
  return [...unique, { key: queryable.unique, descending: unique.at(-1)?.descending ?? false }];
}

function parseOrder<Name extends string>(text: string, known: QueryFields<Name>): { key: Name; descending: boolean }[] {
  const list = parseJson(text, refuse);
  if (!Array.isArray(list)) refuse('it is not a list');
  if (list.length > MAX_KEYS) refuse(`it has more than ${MAX_KEYS} fields`);
  return list.map((item: unknown) => {
    const [name, direction] = onlyMember(item) ?? refuse(`${shown(item)} is not an object with one field`);
    const key = fieldNamed(name, known) ?? refuse(`unknown field ${shown(name)}`);
    const wanted = typeof direction === 'string' ? direction.toLowerCase() : '';
    if (wanted !== 'asc' && wanted !== 'desc')
      refuse(`the direction of ${key} is asc or desc, not ${shown(direction)}`);
    return { key, descending: wanted === 'desc' };
  });
}

function refuse(why: string): never {
  throw new AppError('invalid_request', `Order-by expression not valid: ${why}`);
}

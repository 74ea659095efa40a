import type { operations } from '../../client/openapi-types.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { PROJECT, type PageAddress } from '../shell/address.js';

type TableQuery = NonNullable<operations['listAlarmTable']['parameters']['query']>;
export type TableAlarm = Schemas['ListedAlarm'];
export type RowValue = Schemas['LatestValues']['values'][number];

/** Parts of the address that filter the list. */
export const FILTERS = ['state', 'type', 'severity', 'enabled', 'project_id', 'search'] as const;
/** Rows of a page. */
const ROWS = 50;

type Filter = Partial<Record<(typeof FILTERS)[number], string>>;

/** The filter in an address. A user who acts for a project sees its alarms only, also as an admin. */
export function filterIn({ query }: PageAddress): Filter {
  const given = FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value !== null);
  return Object.fromEntries(given);
}

/** A page of alarms. */
export function useAlarmList(address: PageAddress): Answer<Schemas['ListedAlarms']> {
  const { query } = address;
  const [sort, cursor] = [query.get('sort'), query.get('cursor')];
  return useAnswer(keyOf(address, ['sort', 'cursor']), (signal) =>
    bodyOf(
      client.GET('/v1/alarms', {
        params: {
          query: {
            ...typed(filterIn(address)),
            limit: ROWS,
            ...(sort === null ? {} : { sort: [sort, ...(sort.startsWith('name') ? [] : ['name'])] }),
            ...(cursor === null ? {} : { cursor }),
          },
        },
        signal,
      }),
    ),
  );
}

/** Numbers of alarms by state. The list may be filtered by state; these numbers are not. */
export function useAlarmCounts(address: PageAddress): Answer<Schemas['AlarmCounts']> {
  const { state: _, ...filter } = filterIn(address);
  const key = JSON.stringify([filter, address.query.get(PROJECT)]);
  return useAnswer(key, (signal) =>
    bodyOf(client.GET('/v1/alarms/counts', { params: { query: typed(filter) }, signal })),
  );
}

/** Latest values of the alarms on screen, in one request. The list does not wait for it. */
export function useLatestValues(alarms: readonly TableAlarm[] | undefined): Answer<Map<string, RowValue>> {
  const ids = alarms?.map(({ alarm_id }) => alarm_id) ?? [];
  return useAnswer(ids.length === 0 ? undefined : ids.join(), async (signal) => {
    const { values } = await bodyOf(client.POST('/v1/alarms/latest-values', { body: { ids }, signal }));
    return new Map(values.map((value) => [value.alarm_id, value]));
  });
}

function keyOf(address: PageAddress, more: readonly string[]): string {
  return JSON.stringify([filterIn(address), ...[PROJECT, ...more].map((name) => address.query.get(name))]);
}

/** The service refuses values that it does not know, and says which. */
function typed({ enabled, ...filter }: Filter): TableQuery {
  return { ...filter, ...(enabled === undefined ? {} : { enabled: enabled === 'true' }) } as TableQuery;
}

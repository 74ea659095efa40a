import { alarmNames } from '../requests/alarm-names.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useListPage, type PageAnswer } from '../requests/list-page.js';
import { useAnswer } from '../requests/use-answer.js';
import type { ShownSilence } from '../elements/silence-words.js';
import { PROJECT, type PageAddress } from '../shell/address.js';

export const TABS = ['active', 'planned', 'ended'] as const;
export type SilenceTab = (typeof TABS)[number];

/** Rows of a page. */
const ROWS = 100;

/** Some silences of a status. */
export type SilencePage = Schemas['Silences'];

/** The chosen tab. */
export function tabIn({ query }: PageAddress): SilenceTab {
  return TABS.find((tab) => tab === query.get('status')) ?? 'active';
}

/** A page of silences of a status. No request if the status is undefined. */
export function useSilences(
  address: PageAddress,
  status: SilenceTab | undefined,
  cursor: string | null,
): PageAnswer<SilencePage> {
  const { query } = address;
  const project = query.get('project_id');
  const key = status && JSON.stringify([status, cursor, project, query.get(PROJECT)]);
  const filter = { ...(status && { status }), limit: ROWS, ...(project === null ? {} : { project_id: project }) };
  return useListPage(key, {
    cursor: cursor ?? undefined,
    read: (at, signal) => {
      const params = { query: { ...filter, ...(at !== undefined && { cursor: at }) } };
      return bodyOf(client.GET('/v1/silences', { params, signal }));
    },
    isEmpty: ({ silences }) => silences.length === 0,
  });
}

/** Names of the alarms that silences name by their ids. */
export function useMatchedNames(silences: readonly ShownSilence[] | undefined): ReadonlyMap<string, string> {
  const ids = (silences ?? []).flatMap(({ matchers }) =>
    matchers.filter(({ field }) => field === 'alarm_id').map(({ value }) => value),
  );
  const different = [...new Set(ids)].slice(0, ROWS);
  const names = useAnswer(different.length === 0 ? undefined : different.join(), (signal) =>
    alarmNames(different, signal),
  );
  return names.value ?? NO_NAMES;
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

import { alarmNames } from '../requests/alarm-names.js';
import { bodyOf, client, RequestRefused, type Schemas } from '../requests/client.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
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

/**
 * A page of silences of a status. A page that is empty although another one follows is passed over. No request if the
 * status is undefined.
 */
export function useSilences(
  address: PageAddress,
  status: SilenceTab | undefined,
  cursor: string | null,
): Answer<SilencePage> {
  const { query } = address;
  const project = query.get('project_id');
  const key = status && JSON.stringify([status, cursor, project, query.get(PROJECT)]);
  return useAnswer(key, async (signal) => {
    const filter = { ...(status && { status }), limit: ROWS, ...(project === null ? {} : { project_id: project }) };
    for (let next = cursor; ;) {
      const params = { query: { ...filter, ...(next === null ? {} : { cursor: next }) } };
      const page = await bodyOf(client.GET('/v1/silences', { params, signal }));
      if (page.silences.length > 0 || page.next === null) return page;
      next = page.next;
    }
  });
}

/** Reads a silence; null if the reader cannot see one with this id. */
export async function readSilence(id: string, signal?: AbortSignal): Promise<Schemas['SilenceWithChanges'] | null> {
  try {
    return await bodyOf(client.GET('/v1/silences/{id}', { params: { path: { id } }, ...(signal && { signal }) }));
  } catch (thrown) {
    if (thrown instanceof RequestRefused && thrown.status === 404) return null;
    throw thrown;
  }
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

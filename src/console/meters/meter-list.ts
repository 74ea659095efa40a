import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useListPage, type PageAnswer } from '../requests/list-page.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { PROJECT, type PageAddress } from '../shell/address.js';

/** Parts of the address that say whose meters are shown. */
export const OWNERS = ['user_id', 'project_id'] as const;
/** Parts of the address that filter the lists. */
export const LIST_FILTERS = [...OWNERS, 'search', 'resource_id'] as const;

/** Parts of the address that choose rows of the lists: the filters, and the place in the list. */
export const LIST_PARTS = [...LIST_FILTERS, 'cursor'] as const;

/** These parts of an address; those that it has not are left out. */
export function partsOf<Name extends string>(
  { query }: PageAddress,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const given = names.map((name) => [name, query.get(name)] as const).filter(([, value]) => value !== null);
  return Object.fromEntries(given) as Partial<Record<Name, string>>;
}

/** A text that differs for addresses whose parts differ, or whose project does. */
export function keyOf(address: PageAddress, names: readonly string[], more: readonly unknown[] = []): string {
  return JSON.stringify([partsOf(address, [...names, PROJECT]), ...more]);
}

/** A page of meters by name. No request if `isWanted` is false. */
export function useMeters(address: PageAddress, isWanted: boolean): PageAnswer<Schemas['ListedMeters']> {
  const query = partsOf(address, LIST_FILTERS);
  return useListPage(isWanted ? keyOf(address, LIST_PARTS) : undefined, {
    cursor: partsOf(address, ['cursor']).cursor,
    read: (cursor, signal) =>
      bodyOf(
        client.GET('/v1/meters', { params: { query: { ...query, ...(cursor !== undefined && { cursor }) } }, signal }),
      ),
    isEmpty: ({ meters }) => meters.length === 0,
  });
}

/** A page of resources by id. `meter`: only resources that have it. No request if `isWanted` is false. */
export function useResources(
  address: PageAddress,
  { meter, isWanted = true }: { meter?: string; isWanted?: boolean },
): PageAnswer<Schemas['ListedResources']> {
  const query = { ...partsOf(address, [...OWNERS, 'search']), ...(meter !== undefined && { meter }) };
  return useListPage(isWanted ? keyOf(address, [...OWNERS, 'search', 'cursor'], [meter]) : undefined, {
    cursor: partsOf(address, ['cursor']).cursor,
    read: (cursor, signal) =>
      bodyOf(
        client.GET('/v1/resources', {
          params: { query: { ...query, ...(cursor !== undefined && { cursor }) } },
          signal,
        }),
      ),
    isEmpty: ({ resources }) => resources.length === 0,
  });
}

/** One meter, of the chosen resource if there is one; null if no sample of it is stored. */
export function useMeter(address: PageAddress, name: string): Answer<Schemas['ListedMeter'] | null> {
  const names = [...OWNERS, 'resource_id'] as const;
  return useAnswer(keyOf(address, names, [name]), async (signal) => {
    const query = { ...partsOf(address, names), name };
    const { meters } = await bodyOf(client.GET('/v1/meters', { params: { query }, signal }));
    return meters[0] ?? null;
  });
}

import { useEffect, useState } from 'preact/hooks';

/** Where the user is: `#/VIEW/ID?FILTER`. The filter is in the address, so that it can be shared. */
export interface PageAddress {
  view: string;
  /** Id of the object that the view shows; undefined for a list. */
  id: string | undefined;
  query: URLSearchParams;
}

/** The project in whose name requests are sent, if the service has no authentication. Kept by all links. */
export const PROJECT = 'project';

/** Parts of an address that are true for one project, and the places in its lists. */
const OF_PROJECT = [
  'project_id',
  'user_id',
  'resource_id',
  'resource',
  'alarm_id',
  'copy',
  'from',
  'cursor',
  'marker',
] as const;

const START = 'alarms';

/** Reads the part of an address behind `#`. */
export function parseAddress(hash: string): PageAddress {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view, id] = path.split('/').map(decoded);
  return { view: view || START, id: id || undefined, query: new URLSearchParams(query) };
}

/** The link to a view. The chosen project stays chosen; empty values are left out. */
export function linkTo(view: string, id?: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const { query: present } = parseAddress(location.hash);
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries({ [PROJECT]: present.get(PROJECT) ?? undefined, ...query })) {
    if (value !== undefined && value !== '') kept.append(name, value);
  }
  const path = [view, ...(id === undefined ? [] : [id])].map(encodeURIComponent).join('/');
  return `#/${path}${kept.size === 0 ? '' : `?${kept.toString()}`}`;
}

/** Changes some values of the query; undefined removes one. A filter replaces the entry of the browser's history. */
export function changeQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const { view, id, query } = parseAddress(location.hash);
  const link = linkTo(view, id, { ...Object.fromEntries(query), ...changes });
  history.replaceState(null, '', link);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Chooses another project; undefined: all. What was true for the project before is removed from the address. */
export function chooseProject(project: string | undefined): void {
  changeQuery({ ...Object.fromEntries(OF_PROJECT.map((name) => [name, undefined])), [PROJECT]: project });
}

/** The link to the view of an address without these parts of its query; undefined if it has none of them. */
export function linkWithout({ view, id, query }: PageAddress, names: readonly string[]): string | undefined {
  if (!names.some((name) => query.has(name))) return undefined;
  const others = [...query].filter(([name]) => !names.includes(name));
  return linkTo(view, id, Object.fromEntries(others));
}

/** Goes to a link of `linkTo`. */
export function goTo(link: string): void {
  location.hash = link.slice(1);
}

/** The present address; renders again when it changes. */
export function useAddress(): PageAddress {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return parseAddress(hash);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address that a person has cut
  }
}

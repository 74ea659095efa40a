import type { Schemas } from '../requests/client.js';

/** A field that an edit changed; `before` is undefined if it is not known. */
export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

export type ShownChange = Schemas['AlarmChange'];

/** Fields of each entry's detail. Those of edits hold what changed; those of creations the whole alarm. */
export function detailOf({ detail }: ShownChange): Record<string, unknown> {
  try {
    return JSON.parse(detail) as Record<string, unknown>;
  } catch {
    return { detail }; // imported from elsewhere
  }
}

/** What each edit changed, by the id of its entry. Entries are newest first, as the API lists them. */
export function changesOf(entries: readonly ShownChange[]): Map<string, FieldChange[]> {
  const changes = new Map<string, FieldChange[]>();
  let known: Record<string, unknown> = {};
  for (const entry of entries.toReversed()) {
    const detail = flat(detailOf(entry));
    if (entry.type === 'rule change') {
      const found = Object.entries(detail).map(([field, after]) => ({ field, before: known[field], after }));
      changes.set(
        entry.event_id,
        found.filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after)),
      );
    }
    known = { ...known, ...detail };
  }
  return changes;
}

/** Members of the rule as fields of their own. */
function flat(detail: Record<string, unknown>): Record<string, unknown> {
  const { rule, ...others } = detail;
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return detail;
  return { ...others, ...Object.fromEntries(Object.entries(rule).map(([name, value]) => [`rule.${name}`, value])) };
}

import { valueAt, type Draft, type FieldPath } from './draft.js';

/**
 * A hint on a value that the service accepts, but that probably is not what the user means; undefined for other values.
 */
export function hintOn(draft: Draft, path: FieldPath): string | undefined {
  const value = valueAt(draft, path);
  if (typeof value !== 'string' || value === '') return undefined;
  const name = path.at(-1);
  if (name === 'field' && path[0] === 'event_rule') return eventFieldHint(value);
  if (name !== 'query') return undefined;
  // A rule within a composite one has a type of its own; so has a composite one that is a single rule.
  const type = valueAt(draft, [...path.slice(0, -1), 'type']) ?? draft['type'];
  if (type === 'prometheus') return promqlHint(value);
  return type === 'gnocchi_aggregation_by_resources_threshold' ? searchHint(value) : undefined;
}

const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
/** A quoted text with its escapes, a comment, an opened quote without its end, or one character. */
const PART = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`|#[^\n]*|[^]/gu;

/** Says which bracket or quote of a PromQL query has no counterpart. */
export function promqlHint(query: string): string | undefined {
  const opened: string[] = [];
  for (const [part] of query.matchAll(PART)) {
    if (part === '"' || part === "'" || part === '`') return `The quote ${part} is not closed.`;
    if (part === '(' || part === '[' || part === '{') opened.push(part);
    const opening = PAIRS[part];
    if (opening !== undefined && opened.pop() !== opening) return `The bracket ${part} closes nothing.`;
  }
  const last = opened.at(-1);
  return last === undefined ? undefined : `The bracket ${last} is not closed.`;
}

const JOINING = ['and', 'or', '∧', '∨'];
const COMPARING = [
  '=',
  '==',
  'eq',
  '<',
  'lt',
  '>',
  'gt',
  '<=',
  '≤',
  'le',
  '>=',
  '≥',
  'ge',
  '!=',
  '≠',
  'ne',
  'like',
  'in',
];

/** Says what keeps a text from being a search of Gnocchi, as far as that can be told without it. */
export function searchHint(text: string): string | undefined {
  try {
    return partHint(JSON.parse(text));
  } catch {
    return 'This is not JSON: check its brackets, quotes and commas.';
  }
}

function partHint(part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null || Array.isArray(part))
    return 'A search is an object such as {"=": {"server_group": "web"}}.';
  const entries = Object.entries(part);
  const [entry] = entries;
  if (entry === undefined) return undefined;
  if (entries.length > 1) return 'Each object of a search has one operator; join several with "and" or "or".';
  const [operator, operand] = entry as [string, unknown];
  if (operator === 'not') return partHint(operand);
  if (JOINING.includes(operator))
    return Array.isArray(operand) ? operand.map(partHint).find(Boolean) : `"${operator}" needs a list of searches.`;
  if (!COMPARING.includes(operator)) return `Gnocchi has no operator "${operator}". Write {"=": {"${operator}": …}}.`;
  return undefined;
}

/** Members of an event as Ceilometer sends it. */
const EVENT_MEMBERS = ['event_type', 'generated', 'message_id', 'message_signature', 'raw', 'traits'];

/** Says that an event has no such member, and names the trait that is probably meant. */
export function eventFieldHint(field: string): string | undefined {
  const [first = '', second] = field.split('.');
  if (first === 'traits') return second ? undefined : 'Write the name of a trait: traits.NAME.';
  if (EVENT_MEMBERS.includes(first)) return undefined;
  return `Events of Ceilometer have no field ${first}. For a trait write traits.${field}.`;
}

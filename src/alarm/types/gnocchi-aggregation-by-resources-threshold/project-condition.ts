import { pythonJson, pythonSpaced } from '../../wire/python-json.js';
import type { RuleScope } from '../alarm-type.js';

const CLOSING = ']}';
const CREATED_BY = /\{"created_by_project_id": ("(?:[^"\\]|\\.)*")\}/g;

/** A search in Python's spacing, split into the project condition that Aodh or Tocsin put around it, and the rest. */
interface Narrowed {
  /** The text up to the beginning of the inner search. */
  opening: string;
  /** The project as JSON text. */
  project: string;
  /** The external owner as JSON text; undefined if the condition has none. */
  externalOwner: string | undefined;
  inner: string;
}

/**
 * Limits a search to the resources of one project: those that the project created, and its own among those that the
 * external owner (Ceilometer) created. A condition for the same project from an earlier write is replaced.
 */
export function narrowedTo(query: string, projectId: string, externalOwner: RuleScope['externalOwner']): string {
  const project = pythonJson(projectId);
  const text = pythonSpaced(query);
  const before = narrowed(text);
  const inner = before?.project === project ? before.inner : text;
  return openingFor(project, externalOwner ? pythonJson(externalOwner) : undefined) + inner + CLOSING;
}

/** Removes nested conditions for the same project: Aodh adds one at each PUT. The inner ones change nothing. */
export function withoutRepeats(query: string): string {
  const outermost = takenApart(pythonSpaced(query));
  if (outermost === undefined) return query;
  let { inner } = outermost;
  for (let next = takenApart(inner); next?.project === outermost.project; next = takenApart(inner)) ({ inner } = next);
  // Parsed once, at the end: the number of conditions may grow with the length of the text.
  return inner === outermost.inner || !isJson(inner) ? query : outermost.opening + inner + CLOSING;
}

/**
 * The search that is sent to Gnocchi. Gnocchi compares the creator of a resource as an SQL pattern, so `_`, `%` and `\`
 * in the project's id are escaped. The stored search keeps Aodh's form, which clients compare and send back.
 */
export function askedSearch(query: string): string {
  if (!/[%_\\]/.test([...query.matchAll(CREATED_BY)].map(([, project]) => project).join(''))) return query;
  const parts = narrowed(pythonSpaced(query));
  if (parts === undefined) return query;
  const { project, externalOwner, inner } = parts;
  return openingFor(project, externalOwner, literally) + inner + CLOSING;
}

/** A JSON text with a pattern that matches only the text itself. */
function literally(json: string): string {
  return pythonJson((JSON.parse(json) as string).replace(/[\\%_]/g, String.raw`\$&`));
}

/** The length of a search without the project condition and without differences in spacing. */
export function lengthWithoutCondition(query: string): number {
  const text = pythonSpaced(query);
  const inner = narrowed(text)?.inner ?? text;
  return Math.max(inner.length, query.length - (text.length - inner.length));
}

/** True if the text is valid JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function narrowed(text: string): Narrowed | undefined {
  const parts = takenApart(text);
  // More than one search after the condition: the user wrote it, and it is not a condition around a search.
  return parts && isJson(parts.inner) ? parts : undefined;
}

/** Splits a search by its beginning and end. The part in between may turn out not to be JSON. */
function takenApart(text: string): Narrowed | undefined {
  const [first, second] = text.matchAll(CREATED_BY);
  const project = first?.[1];
  if (project === undefined || !text.endsWith(CLOSING)) return undefined;
  const openings = [undefined, second?.[1] ?? project].map((externalOwner) => ({
    externalOwner,
    opening: openingFor(project, externalOwner),
  }));
  const found = openings.find(({ opening }) => text.startsWith(opening));
  return found && { ...found, project, inner: text.slice(found.opening.length, -CLOSING.length) };
}

/** Key order is fixed, since the result is compared as text. */
function openingFor(project: string, externalOwner?: string, creator = (json: string): string => json): string {
  const createdByIt = `{"=": {"created_by_project_id": ${creator(project)}}}`;
  if (externalOwner === undefined) return `{"and": [${createdByIt}, `;
  const createdForIt = `{"=": {"created_by_project_id": ${creator(externalOwner)}}}`;
  const measuredForIt = `{"and": [${createdForIt}, {"=": {"project_id": ${project}}}]}`;
  return `{"and": [{"or": [${createdByIt}, ${measuredForIt}]}, `;
}

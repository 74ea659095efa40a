import { pythonJson, pythonSpaced } from '../../wire/python-json.js';
import type { RuleScope } from '../alarm-type.js';

const CLOSING = ']}';
const CREATED_BY = /\{"created_by_project_id": ("(?:[^"\\]|\\.)*")\}/g;

/** A search in Python's spacing, taken apart where Aodh (or we) put a project condition around it. */
interface Narrowed {
  /** The condition, up to where the search itself begins. */
  opening: string;
  /** As JSON text. */
  project: string;
  /** Likewise; undefined where the condition names none. */
  externalOwner: string | undefined;
  inner: string;
}

/**
 * A search that finds the resources of one project only: those that it created itself, and its own among those that the
 * service which measures for everybody created. What is around the search already for this project, from an earlier
 * write, is replaced.
 */
export function narrowedTo(query: string, projectId: string, externalOwner: RuleScope['externalOwner']): string {
  const project = pythonJson(projectId);
  const text = pythonSpaced(query);
  const before = narrowed(text);
  const own = before?.project === project ? before.inner : text;
  return openingFor(project, externalOwner ? pythonJson(externalOwner) : undefined) + own + CLOSING;
}

/**
 * The search with one condition where it has several for the same project, one around the other: Aodh adds one at each
 * PUT. The inner ones say nothing new.
 */
export function withoutRepeats(query: string): string {
  const outermost = takenApart(pythonSpaced(query));
  if (outermost === undefined) return query;
  let { inner } = outermost;
  for (let next = takenApart(inner); next?.project === outermost.project; next = takenApart(inner)) ({ inner } = next);
  // Checked once: there may be as many conditions as the text is long.
  return inner === outermost.inner || !isJson(inner) ? query : outermost.opening + inner + CLOSING;
}

/**
 * The search as Gnocchi has to be asked it. Gnocchi compares who created a resource as a pattern of SQL, in which `_`
 * and `%` stand for others: the project's id must stand for itself alone. What is stored keeps Aodh's form, which
 * clients compare and send back.
 */
export function askedSearch(query: string): string {
  if (!/[%_\\]/.test([...query.matchAll(CREATED_BY)].map(([, project]) => project).join(''))) return query;
  const parts = narrowed(pythonSpaced(query));
  if (parts === undefined) return query;
  const { project, externalOwner, inner } = parts;
  return openingFor(project, externalOwner, literally) + inner + CLOSING;
}

/** A JSON text of a pattern that only this text fits. */
function literally(json: string): string {
  return pythonJson((JSON.parse(json) as string).replace(/[\\%_]/g, String.raw`\$&`));
}

/** How long a search is without what was put around it and the blanks that Python's spacing has or has not. */
export function ownLength(query: string): number {
  const text = pythonSpaced(query);
  const own = narrowed(text)?.inner ?? text;
  return Math.max(own.length, query.length - (text.length - own.length));
}

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
  // More than one search after the condition is the user's own work, not a condition around a search.
  return parts && isJson(parts.inner) ? parts : undefined;
}

/** By its ends alone; what is between them may turn out to be no JSON. */
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

/** Written from left to right, since this text is compared as text. */
function openingFor(project: string, externalOwner?: string, creator = (json: string): string => json): string {
  const own = `{"=": {"created_by_project_id": ${creator(project)}}}`;
  if (externalOwner === undefined) return `{"and": [${own}, `;
  const createdForIt = `{"=": {"created_by_project_id": ${creator(externalOwner)}}}`;
  const measuredForIt = `{"and": [${createdForIt}, {"=": {"project_id": ${project}}}]}`;
  return `{"and": [{"or": [${own}, ${measuredForIt}]}, `;
}

import { firstCharacters } from '../../alarm/first-characters.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';

const MAX_CHARACTERS = 200;
/** How much is looked at, so that a long text costs no time: a place or a quotation that begins within what is shown is known by then. */
const MAX_READ = 1_000;
/** Of Prometheus and of its kin; anything else might be a text. */
const ERROR_TYPES = new Set(['bad_data', 'execution', 'not_found', 'too_large', '400', '422']);
/** Anything that could be the name of a machine, its address, or a path to it. */
const PLACE = /:\/\/|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]*\]|[a-z][a-z0-9.-]*:\d{2,5}\b|\b(dial|lookup)\b/i;
/** Where in the query a mistake is, which is of no use to somebody who wrote another one. */
const POSITION = /\b\d+:\d+: /g;

export interface Refusal {
  status: number;
  type: string;
  message: string;
}

/** A query as its author wrote it, and as it was sent. */
export interface SentQuery {
  written: string;
  sent: string;
}

/**
 * Aodh's words for a query that Prometheus refuses, with as much of Prometheus' own as its author may read: what is wrong with the query, but
 * not what was put into it to keep it to a project, and nothing about machines.
 */
export function refusalText({ status, type, message }: Refusal, query: SentQuery): string {
  if (type === 'bad_result') return retrievalFailed(message);
  if (type === 'bad_data')
    return retrievalFailed(`bad_data: ${fit(message, query) ?? 'the query is not valid'} (HTTP ${status})`);
  return retrievalFailed(`${ERROR_TYPES.has(type) ? type : 'error'}: the query cannot be executed (HTTP ${status})`);
}

function fit(message: string, { written, sent }: SentQuery): string | undefined {
  const isOwn = written === sent;
  const text = (isOwn ? message : message.replace(POSITION, '')).replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  const read = text.slice(0, MAX_READ);
  if (read === '' || PLACE.test(read) || (!isOwn && quotesMoreThan(read, written))) return undefined;
  return firstCharacters(read, MAX_CHARACTERS);
}

/** Whatever Prometheus quotes of a query that was changed must stand in the query as it was written. */
function quotesMoreThan(read: string, written: string): boolean {
  const quoted = [...read.matchAll(/"((?:[^"\\]|\\(?:.|$))*)(?:"|$)|\{[^}]*\}?|`[^`]*`?|'[^']*'?/g)];
  return quoted.some(([all, inner]) => inner !== 'query' && !written.includes(inner ?? all));
}

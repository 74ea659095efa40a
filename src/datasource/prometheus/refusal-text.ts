import { firstCharacters } from '../../alarm/wire/first-characters.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';

const MAX_CHARACTERS = 200;
/** Most characters of an error that may quote the labels of three series. Its meaning is at its end. */
const MAX_OF_EXECUTION = { start: 400, end: 150 };
/**
 * Most characters that are searched, so that a long text costs no time. An address or a quotation that begins within
 * the shown part is found by then.
 */
const MAX_READ = 1_000;
/** Types of Prometheus and of similar servers; any other type might be free text. */
const ERROR_TYPES = new Set(['bad_data', 'execution', 'not_found', 'too_large', '400', '422']);
/** Any text that could be a host name, an address or a URL. */
// eslint-disable-next-line regexp/no-super-linear-move -- at most MAX_READ characters are searched
const PLACE = /:\/\/|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]*\]|[a-z][a-z0-9.-]*:\d{2,5}\b|\b(dial|lookup)\b/i;
/**
 * Labels of a series, whose names may be quoted. They are the author's own data, so a host name in them is not one of
 * the operator's.
 */
const LABEL_SET = /\{(?:(?:[A-Za-z_:][\w:.]*=|"(?:[^"\\]|\\.)*"=)?"(?:[^"\\]|\\.)*(?:"|$)(?:, ?)?)*\}?/g;
/**
 * Fixed texts for errors of a query that was changed to limit it to a project. Prometheus' own text has labels of
 * series, and the labels that were added to the query, which the author may not read.
 */
const WORDS_OF_EXECUTION: readonly (readonly [RegExp, string])[] = [
  [
    /^found duplicate series for the match group \{.* on the (left|right) (?:hand-)?side of the operation/,
    'found duplicate series on the $1 hand-side of the operation; ' +
      'many-to-many matching not allowed: matching labels must be unique on one side',
  ],
  [/^(multiple matches for labels: many-to-one matching must be explicit \(group_left\/group_right\))$/, '$1'],
  [/^(multiple matches for labels: grouping labels must ensure unique matches)$/, '$1'],
  [/^(vector cannot contain metrics with the same labelset)$/, '$1'],
  [/^(query processing would load too many samples into memory in \w+(?: \w+)*)$/, '$1'],
  [/^(invalid regular expression in label_\w+\(\)).*$/, '$1'],
];
/** The position of a mistake, which is wrong in the query as its author wrote it. */
const POSITION = /\b\d+:\d+: /g;

const NOT_EXECUTABLE = 'the query cannot be executed';

/** Prometheus' own status, type and text of an error. */
export interface PrometheusRefusal {
  status: number;
  type: string;
  message: string;
}

/** A query as its author wrote it, and as it was sent. */
export interface QueryTexts {
  written: string;
  sent: string;
}

/**
 * Words of a refusal that is about the query alone. Other refusals with this status are about the window as well: a
 * range of too many points.
 */
const OF_TEXT = /^invalid parameter "query"|\bparse error\b/;

/** True if the text of the query is at fault, so that it is refused over any window. */
export function isFaultOfQuery({ status, type, message }: PrometheusRefusal): boolean {
  return type === 'bad_result' || (status === 400 && type === 'bad_data' && OF_TEXT.test(message));
}

/**
 * Aodh's words for a query that Prometheus refuses, with as much of Prometheus' own text as its author may read: the
 * fault of the query, but not the label that was added to limit it to a project, and no host names. Labels of series
 * are shown for a query that was sent as written.
 */
export function refusalText(refusal: PrometheusRefusal, query: QueryTexts): string {
  return retrievalFailed(refusalDetail(refusal, query));
}

/** The same text without Aodh's preamble. */
export function refusalDetail({ status, type, message }: PrometheusRefusal, query: QueryTexts): string {
  if (type === 'bad_result') return message;
  if (type === 'bad_data') return `bad_data: ${fit(message, query) ?? 'the query is not valid'} (HTTP ${status})`;
  if (!ERROR_TYPES.has(type)) return `error: ${NOT_EXECUTABLE} (HTTP ${status})`;
  return `${type}: ${executionWords(message, query) ?? NOT_EXECUTABLE} (HTTP ${status})`;
}

function executionWords(message: string, query: QueryTexts): string | undefined {
  if (query.written === query.sent) return ownWords(message);
  const read = printable(message.slice(0, MAX_READ));
  for (const [words, shown] of WORDS_OF_EXECUTION) {
    const match = words.exec(read);
    if (match) return shown.replace('$1', match[1]!);
  }
  return undefined;
}

/**
 * Prometheus' own text about a query that was sent as written. The middle of a long text, which is labels, is left out.
 */
function ownWords(message: string): string | undefined {
  const { start, end } = MAX_OF_EXECUTION;
  const read = printable(message.slice(0, MAX_READ));
  const cut = message.slice(MAX_READ).slice(-end);
  const last = printable(cut.slice(cut.lastIndexOf('}') + 1));
  const withoutLabels = `${read} ${last}`.replace(LABEL_SET, '{}');
  if (read === '' || PLACE.test(withoutLabels)) return undefined;
  const text = last === '' ? read : `${read}${last}`;
  return text.length <= start + end ? text : `${firstCharacters(text, start)} … ${lastCharacters(text, end)}`;
}

/** The last characters; the cut is never within a surrogate pair. */
function lastCharacters(text: string, most: number): string {
  return text.slice(-most).replace(/^[\uDC00-\uDFFF]/, '');
}

function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
}

function fit(message: string, { written, sent }: QueryTexts): string | undefined {
  const isOwn = written === sent;
  const text = printable(isOwn ? message : message.replace(POSITION, ''));
  const read = text.slice(0, MAX_READ);
  const withoutLabels = isOwn ? read.replace(LABEL_SET, '{}') : read;
  if (read === '' || PLACE.test(withoutLabels) || (!isOwn && quotesMoreThan(read, written))) return undefined;
  return firstCharacters(read, MAX_CHARACTERS);
}

/** True if Prometheus quotes text of the changed query that is not in the query as written. */
function quotesMoreThan(read: string, written: string): boolean {
  const quoted = [...read.matchAll(/"((?:[^"\\]|\\(?:.|$))*)(?:"|$)|\{[^}]*\}?|`[^`]*`?|'[^']*'?/g)];
  return quoted.some(([all, inner]) => inner !== 'query' && !written.includes(inner ?? all));
}

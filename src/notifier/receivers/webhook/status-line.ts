/** The result of reading the first bytes of an answer. */
export type StatusLine =
  | { kind: 'status'; status: number }
  /** No bytes were received, or interim answers (1xx) only. */
  | { kind: 'none' }
  /** `reason` is a text for operators that quotes no part of the answer. */
  | { kind: 'unreadable'; reason: string };

/**
 * A status line as in RFC 9112, section 4, but with any HTTP version and any number of blanks. The character after the
 * code shows that the code is complete.
 */
const STATUS_LINE = /^HTTP\/\d+(?:\.\d+)?[ \t]+(\d{3})(?=[ \t\r\n])/;
/** The beginning of a status line that may still continue. */
const BEGINNING = /^(?:H|HT|HTT|HTTP|HTTP\/[\d.]*|HTTP\/[\d.]+[ \t]+\d{0,3})$/;
const SWITCHING_PROTOCOLS = 101;

/**
 * Reads the status line of an answer whose head Node's strict parser refuses. Interim answers are skipped; empty lines
 * before a status line are allowed, as RFC 9112 (section 2.2) advises.
 */
export function readStatusLine(bytes: Buffer): StatusLine {
  let rest = bytes.toString('latin1');
  for (;;) {
    rest = rest.replace(/^[\r\n]+/, '');
    if (rest === '') return { kind: 'none' };
    const code = STATUS_LINE.exec(rest)?.[1];
    if (code === undefined) return { kind: 'unreadable', reason: reasonOf(rest) };
    const status = Number(code);
    const isInterim = status >= 100 && status < 200 && status !== SWITCHING_PROTOCOLS;
    if (!isInterim) return { kind: 'status', status };
    const end = /\n\r?\n/.exec(rest);
    if (!end) return { kind: 'none' };
    rest = rest.slice(end.index + end[0].length);
  }
}

function reasonOf(text: string): string {
  if (BEGINNING.test(text)) return 'it ends within the status line';
  if (/^HTTP\/\d+(?:\.\d+)?[ \t]/.test(text)) return 'its status code is not three digits';
  // The SETTINGS frame with which every HTTP/2 server begins (RFC 9113, section 3.4).
  if (text.charCodeAt(0) === 0 && text.charCodeAt(3) === 4) return 'it is HTTP/2';
  return 'it does not begin with an HTTP status line';
}

/** A sentence for each class of errors in docs/errors.md. */
const WORDS: Readonly<Record<string, string>> = {
  rejected: 'The receiver refused the request',
  gone: 'The receiver is gone for ever (HTTP 410): remove the action.',
  timeout: 'The receiver did not answer in time.',
  connect_failed: 'No connection to the receiver.',
  tls_failed: 'The certificate of the receiver is not trusted, or TLS failed.',
  unreadable_answer: 'The answer cannot be read',
  blocked: 'The address, port or scheme of the receiver is not allowed.',
  invalid: 'The action cannot be sent: correct it in the alarm.',
  no_resource: 'The reason names no unhealthy member to heal.',
  no_trust: 'The alarm has no trust for this action: save it again.',
  trust_refused: 'Keystone does not accept the trust of the alarm.',
  keystone_unavailable: 'Keystone does not answer, so there is no token for the receiver.',
  no_key: 'The secret parts of the action cannot be decrypted: see secrets.key.',
  internal: 'A fault of Tocsin: see its log.',
  'claim expired': 'The notifier stopped during the attempt.',
  'a newer transition of the alarm': 'The alarm has changed its state again.',
  'a newer repeat': 'A newer repeat replaced it.',
  'alarm deleted': 'The alarm was deleted.',
  'alarm disabled': 'The alarm was disabled.',
  'alarm deleted or disabled': 'The alarm was deleted or disabled.',
  'not sent in time': 'No notifier could send it in time.',
  'action removed from the alarm': 'An edit removed the action.',
};
const HTTP_STATUS = /^http_status (\d+)$/;

/** The last error of a notification as a sentence; undefined if it has none. Unknown errors stay as they are. */
export function errorWords(error: string | null, httpStatus: number | null): string | undefined {
  if (error === null) return undefined;
  // The notification ended for another reason after a failed attempt: `superseded: timeout`.
  const text = error.replace(/^(superseded|cancelled): /, '');
  const answered = HTTP_STATUS.exec(text)?.[1];
  if (answered !== undefined) return `The receiver answered HTTP ${answered}.`;
  const [name = '', detail] = text.split(': ', 2);
  const words = WORDS[name];
  if (words === undefined) return `${text}.`;
  if (name === 'rejected') return `${words}${httpStatus === null ? '' : ` with HTTP ${httpStatus}`}.`;
  return name === 'unreadable_answer' ? `${words}${detail === undefined ? '' : `: ${detail}`}.` : words;
}

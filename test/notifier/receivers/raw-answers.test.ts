import { afterEach, describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import type { DeliveryOutcome, Receiver } from '../../../src/notifier/receivers/receiver.js';
import { MAX_ANSWER_BYTES } from '../../../src/notifier/receivers/webhook/answer-tap.js';
import { readStatusLine } from '../../../src/notifier/receivers/webhook/status-line.js';
import { createWebhookReceiver } from '../../../src/notifier/receivers/webhook/webhook.js';
import { makeCertificates } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';
import { startRawReceiver, type RawAnswer, type RawReceiver } from '../../support/raw-receiver.js';
import { egressWith } from '../../support/egress.js';
import { UNSIGNED } from '../../support/webhook-settings.js';

const { ca, server: certificate } = makeCertificates();
const LENGTH = 'Content-Length: 0\r\n';
const DELIVERED = (httpStatus: number): DeliveryOutcome => ({ kind: 'delivered', httpStatus });
const RETRY = (httpStatus: number): DeliveryOutcome => ({
  kind: 'retry',
  error: `http_status ${httpStatus}`,
  httpStatus,
});
const UNREADABLE = (reason: string): DeliveryOutcome => ({ kind: 'retry', error: `unreadable_answer: ${reason}` });
const NO_STATUS_LINE = UNREADABLE('it does not begin with an HTTP status line');
const BAD_CODE = UNREADABLE('its status code is not three digits');

interface Row extends Pick<RawAnswer, 'bytes' | 'closes'> {
  answer: string;
  expected: DeliveryOutcome;
  /** In pieces, where the parser gives up, and closes the connection, before the status code has come. */
  inChunks?: DeliveryOutcome;
  /** The parser takes it for a whole answer, after which the connection may serve another request. */
  isWhole?: true;
}

/** Heads that Node's parser refuses, after a status line that can be read. */
const BAD_HEADS: Row[] = [
  ['a bare line feed after the status line', `HTTP/1.1 200 OK\n${LENGTH}\r\n`],
  ['bare line feeds everywhere', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['a bare line feed after a header', `HTTP/1.1 200 OK\r\n${LENGTH.replace('\r', '')}Server: x\r\n\r\n`],
  ['a bare carriage return after the status line', `HTTP/1.1 200 OK\r${LENGTH}\r\n`],
  ['a bare carriage return in a header', `HTTP/1.1 200 OK\r\nServer: a\rb\r\n${LENGTH}\r\n`],
  ['a blank in the name of a header', `HTTP/1.1 200 OK\r\nX Powered By: x\r\n${LENGTH}\r\n`],
  ['a blank before the colon of a header', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
  ['a header without a colon', `HTTP/1.1 200 OK\r\nnonsense\r\n${LENGTH}\r\n`],
  ['a header without a name', `HTTP/1.1 200 OK\r\n: nonsense\r\n${LENGTH}\r\n`],
  ['a NUL in a header', `HTTP/1.1 200 OK\r\nServer: a\0b\r\n${LENGTH}\r\n`],
  ['the same Content-Length twice', `HTTP/1.1 200 OK\r\n${LENGTH}${LENGTH}\r\n`],
  ['two different Content-Lengths', `HTTP/1.1 200 OK\r\n${LENGTH}Content-Length: 2\r\n\r\nok`],
  ['a Content-Length that is a list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
  ['a Content-Length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'],
  ['a Content-Length beyond any number', `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nok`],
  ['Content-Length beside chunked', `HTTP/1.1 200 OK\r\n${LENGTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunked beside Content-Length', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${LENGTH}\r\n0\r\n\r\n`],
  ['a folded header', `HTTP/1.1 200 OK\r\nServer: a\r\n b\r\n${LENGTH}\r\n`],
  ['a header folded by a tab', `HTTP/1.1 200 OK\r\nServer: a\r\n\tb\r\n${LENGTH}\r\n`],
  ['a first header that is folded', `HTTP/1.1 200 OK\r\n Server: a\r\n${LENGTH}\r\n`],
  ['40 kB of headers', `HTTP/1.1 200 OK\r\n${`X-Long: ${'x'.repeat(990)}\r\n`.repeat(40)}\r\n`],
  ['one header of 40 kB', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`],
  ['1 MB of headers', `HTTP/1.1 200 OK\r\n${`X-Long: ${'x'.repeat(990)}\r\n`.repeat(1_000)}\r\n`],
  ['a reason of 40 kB', `HTTP/1.1 200 ${'x'.repeat(40_000)}\r\n${LENGTH}\r\n`],
].map(([answer, bytes]) => ({ answer: answer!, bytes: bytes!, expected: DELIVERED(200) }));

const CUT_SHORT = UNREADABLE('it ends within the status line');

const OTHER_STATUSES: Row[] = [
  {
    answer: 'a NUL in the reason',
    bytes: `HTTP/1.1 200 O\0K\r\n${LENGTH}\r\n`,
    isWhole: true,
    expected: DELIVERED(200),
  },
  {
    answer: 'empty lines before the status line',
    bytes: `\r\n\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n`,
    isWhole: true,
    expected: DELIVERED(200),
  },
  ...[
    { answer: 'a version that does not exist', bytes: `HTTP/1.7 200 OK\r\n${LENGTH}\r\n` },
    { answer: 'a version without a minor number', bytes: `HTTP/2 200\r\n${LENGTH}\r\n` },
    { answer: 'two blanks before the status code', bytes: `HTTP/1.1  200 OK\r\n${LENGTH}\r\n` },
  ].map((row) => ({ ...row, expected: DELIVERED(200), inChunks: CUT_SHORT })),
  { answer: '204 with a bad head', bytes: `HTTP/1.1 204\r\nX Y: z\r\n\r\n`, expected: DELIVERED(204) },
  { answer: '503 with a bad head', bytes: `HTTP/1.1 503 Busy\n${LENGTH}\n`, expected: RETRY(503) },
  { answer: '302 with a bad head', bytes: `HTTP/1.1 302 Found\n${LENGTH}\n`, expected: RETRY(302) },
  {
    answer: '410 with a bad head',
    bytes: `HTTP/1.1 410 Gone\n${LENGTH}\n`,
    expected: { kind: 'dead', error: 'gone', httpStatus: 410 },
  },
  {
    answer: '400 with a bad head',
    bytes: `HTTP/1.1 400 No\r\n${LENGTH}${LENGTH}\r\n`,
    expected: { kind: 'dead', error: 'rejected', httpStatus: 400 },
  },
  {
    answer: 'an interim answer before a bad head',
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\n${LENGTH}\n`,
    expected: DELIVERED(200),
  },
  {
    answer: 'a change of protocols',
    bytes: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    expected: RETRY(101),
  },
  { answer: 'a status beyond 599', bytes: `HTTP/1.1 999 Denied\r\n${LENGTH}\r\n`, isWhole: true, expected: RETRY(999) },
];

const GOOD_HEADS: Row[] = [
  {
    answer: 'a chunk that is no chunk',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    expected: DELIVERED(200),
  },
  {
    answer: 'a body that is too short',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok',
    closes: true,
    expected: DELIVERED(200),
  },
  {
    answer: 'a body that is too long',
    bytes: `HTTP/1.1 200 OK\r\n${LENGTH}\r\nmore`,
    isWhole: true,
    expected: DELIVERED(200),
  },
  {
    answer: 'a body of 1 MB',
    bytes: `HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`,
    expected: RETRY(500),
  },
  {
    answer: 'a body without an end',
    bytes: `HTTP/1.1 201 Made\r\n\r\n${'x'.repeat(100_000)}`,
    expected: DELIVERED(201),
  },
];

const UNREADABLE_ANSWERS: Row[] = [
  {
    answer: 'garbage before the status line',
    bytes: `garbage\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n`,
    expected: NO_STATUS_LINE,
  },
  { answer: 'a blank before the status line', bytes: ` HTTP/1.1 200 OK\r\n${LENGTH}\r\n`, expected: NO_STATUS_LINE },
  { answer: 'a page of HTTP/0.9', bytes: '<html>welcome</html>\n', closes: true, expected: NO_STATUS_LINE },
  { answer: 'a greeting of SMTP', bytes: '220 mail ESMTP\r\n', expected: NO_STATUS_LINE },
  { answer: 'another protocol with a status', bytes: 'ICY 200 OK\r\n\r\n', expected: NO_STATUS_LINE },
  {
    answer: 'settings of HTTP/2',
    bytes: '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64',
    expected: UNREADABLE('it is HTTP/2'),
    inChunks: NO_STATUS_LINE,
  },
  { answer: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expected: NO_STATUS_LINE },
  { answer: 'a status of four digits', bytes: `HTTP/1.1 2000 OK\r\n${LENGTH}\r\n`, expected: BAD_CODE },
  { answer: 'a status of two digits', bytes: `HTTP/1.1 20 OK\r\n${LENGTH}\r\n`, expected: BAD_CODE },
  { answer: 'a status in words', bytes: `HTTP/1.1 OK\r\n${LENGTH}\r\n`, expected: BAD_CODE },
  { answer: 'a negative status', bytes: `HTTP/1.1 -200 OK\r\n${LENGTH}\r\n`, expected: BAD_CODE },
  {
    answer: 'half a status line',
    bytes: 'HTTP/1.1 20',
    closes: true,
    expected: UNREADABLE('it ends within the status line'),
  },
  { answer: 'half a protocol', bytes: 'HTT', closes: true, expected: UNREADABLE('it ends within the status line') },
];

const ENDS_EARLY: Row[] = [
  { answer: 'a status line and no more', bytes: 'HTTP/1.1 200 OK\r\n', closes: true, expected: DELIVERED(200) },
  { answer: 'half a head', bytes: 'HTTP/1.1 500 No\r\nContent-Le', closes: true, expected: RETRY(500) },
  {
    answer: 'interim answers only',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\n',
    closes: true,
    expected: { kind: 'retry', error: 'connect_failed' },
  },
  { answer: 'nothing', bytes: '', closes: true, expected: { kind: 'retry', error: 'connect_failed' } },
];

const ROWS = [...BAD_HEADS, ...OTHER_STATUSES, ...GOOD_HEADS, ...UNREADABLE_ANSWERS, ...ENDS_EARLY];

let webhook: Receiver | undefined;
let receiver: RawReceiver | undefined;
afterEach(async () => {
  await webhook?.close?.();
  await receiver?.close();
});

async function outcomeOf(answer: RawAnswer, patienceMs = PATIENCE_MS): Promise<DeliveryOutcome> {
  receiver = await startRawReceiver(answer);
  webhook = createWebhookReceiver({
    clock: createSystemClock(),
    egress: egressWith(),
    log: silentLogger,
    settingsOf: UNSIGNED,
    headersToLoopback: true,
    connectTimeoutMs: PATIENCE_MS,
    attemptTimeoutMs: patienceMs,
    maxSocketsPerHost: 4,
    ca,
    version: '0',
  });
  const delivery = {
    id: 'n-1',
    alarmId: 'a',
    projectId: 'p',
    sequence: 7,
    kind: 'transition' as const,
    transitionTime: new Date(0),
    body: '{}',
    attempt: 1,
  };
  return webhook.deliver({ ...delivery, action: receiver.url }, new AbortController().signal);
}

/** Byte by byte; long ones in pieces that a test can wait for. */
const splitOf = (bytes: string | Buffer): number => (bytes.length > 5_000 ? 997 : 1);

describe.each([
  { by: 'http', tls: undefined },
  { by: 'https', tls: certificate },
])('by $by an answer with', ({ tls }) => {
  test.each(ROWS)(
    '$answer is $expected.kind with status $expected.httpStatus',
    async ({ bytes, closes, isWhole, expected }) => {
      expect(await outcomeOf({ bytes, closes, tls })).toEqual(expected);
      if (!isWhole) await eventually(() => expect(receiver?.open()).toBe(0));
    },
  );

  test.each(ROWS)(
    '$answer, piece by piece, is $expected.kind with status $expected.httpStatus',
    async ({ bytes, closes, isWhole, expected, inChunks }) => {
      expect(await outcomeOf({ bytes, closes, tls, packet: splitOf(bytes) })).toEqual(inChunks ?? expected);
      if (!isWhole) await eventually(() => expect(receiver?.open()).toBe(0));
    },
  );
});

/** More than what a client reads and what the system keeps of a connection. */
const ENDLESS_BYTES = 40_000_000;
test.each([
  ['its head', 'HTTP/1.1 200 OK\r\n', 'X-Long: x\r\n'],
  ['interim answers', '', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'],
  ['its body', 'HTTP/1.1 200 OK\r\n\r\n', 'x'],
])('an answer without an end in %s is not read to its end', async (_, start, piece) => {
  const bytes = start + piece.repeat(ENDLESS_BYTES / piece.length);
  await outcomeOf({ bytes, packet: MAX_ANSWER_BYTES });
  await eventually(() => expect(receiver?.open()).toBe(0));
  expect(receiver?.sent()).toBeLessThan(bytes.length / 2);
});

test('an answer that stops after its status line has that status when the attempt times out', async () => {
  expect(await outcomeOf({ bytes: 'HTTP/1.1 200 OK\r\nServer' }, patienceFor('timeout'))).toEqual(DELIVERED(200));
});

test('an answer that stops within its status line is a timeout', async () => {
  expect(await outcomeOf({ bytes: 'HTTP/1.1 20' }, patienceFor('timeout'))).toEqual({
    kind: 'retry',
    error: 'timeout',
  });
});

test.each(Array.from({ length: 'HTTP/1.1 200 OK\r\n'.length + 1 }, (_, length) => length))(
  'the first %i bytes of an answer have a status exactly when the code is complete',
  (length) => {
    const { kind } = readStatusLine(Buffer.from('HTTP/1.1 200 OK\r\n'.slice(0, length)));
    expect(kind).toBe(length === 0 ? 'none' : length > 'HTTP/1.1 200'.length ? 'status' : 'unreadable');
  },
);

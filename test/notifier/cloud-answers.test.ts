import { afterEach, expect, test } from '@jest/globals';

import { createCloudClient, type CloudClient } from '../../src/notifier/cloud.js';
import { PATIENCE_MS } from '../support/patience.js';
import { startRawReceiver, type RawReceiver } from '../support/raw-receiver.js';

const LENGTH = 'Content-Length: 0\r\n';

let client: CloudClient;
let service: RawReceiver;
afterEach(async () => {
  client.close();
  await service.close();
});

async function statusOf(bytes: string, method: 'GET' | 'POST' = 'POST', packet?: number): Promise<number> {
  service = await startRawReceiver({ bytes, packet });
  const timeouts = { connectTimeoutMs: PATIENCE_MS, attemptTimeoutMs: PATIENCE_MS };
  client = createCloudClient({ ...timeouts, maxSocketsPerHost: 1, ca: undefined, version: '0' });
  const call = { method, url: service.url, ...(method === 'POST' && { body: '{}' }) };
  return (await client.call(call, new AbortController().signal)).status;
}

const ANSWERS: [string, string, number][] = [
  ['a bare line feed after the status line', `HTTP/1.1 201 Created\n${LENGTH}\r\n`, 201],
  ['a blank in the name of a header', `HTTP/1.1 201 Created\r\nX Y: z\r\n${LENGTH}\r\n`, 201],
  ['the same Content-Length twice', `HTTP/1.1 201 Created\r\n${LENGTH}${LENGTH}\r\n`, 201],
  [
    'Content-Length beside chunked',
    `HTTP/1.1 201 Created\r\n${LENGTH}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    201,
  ],
  ['a folded header', `HTTP/1.1 204\r\nServer: a\r\n b\r\n\r\n`, 204],
  ['a bad head and a refusal', `HTTP/1.1 503 Busy\n${LENGTH}\n`, 503],
  ['40 kB of headers', `HTTP/1.1 201 Created\r\nX: ${'y'.repeat(40_000)}\r\n${LENGTH}\r\n`, 201],
];

test.each(ANSWERS)('an answer of a cloud service with %s has its status', async (_, bytes, status) => {
  expect(await statusOf(bytes)).toBe(status);
});

test.each(ANSWERS)('an answer of a cloud service with %s has its status also in packets', async (_, bytes, status) => {
  expect(await statusOf(bytes, 'POST', Math.max(5, Math.ceil(bytes.length / 12)))).toBe(status);
});

test('a long answer of a cloud service is read whole', async () => {
  const body = JSON.stringify('x'.repeat(100_000));
  const bytes = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect(await statusOf(bytes, 'GET', 8_000)).toBe(200);
});

test.each([
  ['without a status line', 'POST', 'garbage\r\n\r\n'],
  ['a GET with 200 and a bad head, so that the body is lost,', 'GET', `HTTP/1.1 200 OK\n${LENGTH}\n{}`],
] as const)('an answer of a cloud service %s counts as no answer', async (_, method, bytes) => {
  await expect(statusOf(bytes, method)).rejects.toMatchObject({ code: expect.stringMatching(/^HPE_/) });
});

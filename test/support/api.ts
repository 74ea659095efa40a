import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';

import { createNoauthAuthenticator, refuseForeignPages } from '../../src/api/identity/noauth.js';
import { listen } from '../../src/api/listen.js';
import { QUERY_LIMITS, QuerySlots } from '../../src/api/query-slots.js';
import { createApi } from '../../src/api/server.js';
import { silentLogger } from '../../src/logger.js';
import { createAlarmStore } from '../../src/storage/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import { createComplexQueryStore } from '../../src/storage/complex-query-store.js';
import { createHistoryStore } from '../../src/storage/history-store.js';
import { createNotificationAdminStore } from '../../src/storage/notification-admin-store.js';
import { createSampleStore } from '../../src/storage/sample-store.js';
import { createStatisticsStore } from '../../src/storage/statistics-store.js';
import { FakeClock } from './fake-clock.js';

/** Who asks: the identity headers of a request. */
export type Caller = Readonly<Record<string, string>>;

export const ADMIN: Caller = { 'x-user-id': 'root', 'x-project-id': 'ops', 'x-roles': 'admin' };
export const MEMBER: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': 'member' };
export const READER: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': 'reader' };
export const STRANGER: Caller = { 'x-user-id': 'u2', 'x-project-id': 'p2', 'x-roles': 'member' };

export interface Asked {
  as?: Caller;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer;
  headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body, parsed. It is for the test to know its form. */
  json<T = Record<string, unknown>>(): T;
  /** The text of an error in Aodh's envelope; undefined in any other answer. */
  fault: string | undefined;
}

export interface TestApi {
  url: string;
  clock: FakeClock;
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** Creates an alarm, which must succeed, and returns its id. */
  create(body: unknown, as?: Caller): Promise<string>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  alarmMaxActions?: number;
  queueActions?: boolean;
}

/** The API on real stores, listening on a port of its own, with a client that says what came back. */
export async function startApi(
  db: Database,
  { alarmMaxActions = -1, queueActions = false }: TestApiOptions = {},
): Promise<TestApi> {
  const clock = new FakeClock();
  const app = createApi({
    alarms: createAlarmStore(db),
    history: createHistoryStore(db),
    queries: createComplexQueryStore(db),
    querySlots: new QuerySlots(QUERY_LIMITS),
    samples: createSampleStore(db),
    statistics: createStatisticsStore(db),
    notifications: createNotificationAdminStore(db),
    actions: { alarmMaxActions, queueActions },
    authenticate: createNoauthAuthenticator(),
    refuse: (request) => refuseForeignPages(request, { exposed: false }),
    now: () => clock.now(),
    newId: () => randomUUID(),
    log: silentLogger,
    onStored: () => {},
    onAnswer: () => {},
    metrics: () => Promise.resolve({ contentType: 'text/plain', content: '' }),
    readiness: () => Promise.resolve([{ name: 'test', ok: true }]),
  });
  const listener = await listen(app, { host: '127.0.0.1', port: 0, setting: 'api.port' });
  const ask = (method: string, path: string, asked: Asked = {}): Promise<Answered> => send(method, listener.url + path, asked);
  return {
    url: listener.url,
    clock,
    ask,
    async create(body, as = ADMIN) {
      const answer = await ask('POST', '/v2/alarms', { as, body });
      if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${answer.text}`);
      return answer.json<{ alarm_id: string }>().alarm_id;
    },
    close: () => listener.close(Promise.resolve()),
  };
}

/** Not `fetch`: it does not let a test choose the Host header. */
function send(method: string, url: string, { as = ADMIN, body, raw, headers }: Asked): Promise<Answered> {
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const type = content === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers: { ...type, ...as, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: <T>() => JSON.parse(text) as T,
          fault: faultIn(text),
        });
      });
    });
    request.on('error', reject);
    request.end(content);
  });
}

function faultIn(text: string): string | undefined {
  if (!text.startsWith('{"error_message"')) return undefined;
  return (JSON.parse(text) as { error_message: { faultstring: string } }).error_message.faultstring;
}

/** A body that creates a threshold alarm. Fields given replace its own. */
export function thresholdBody(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'cpu high',
    type: 'threshold',
    threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt' },
    ...fields,
  };
}

export function combinationBody(ids: readonly string[], fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'both', type: 'combination', combination_rule: { alarm_ids: ids }, ...fields };
}

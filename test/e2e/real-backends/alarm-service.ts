import { rmSync } from 'node:fs';

import type { ReceivedRequest } from '../../support/receiver-server.js';
import { ask, type Answered, type Caller } from '../../support/api.js';
import { migratedDataDirectory } from '../../support/data-directory.js';
import { eventually } from '../../support/eventually.js';
import { freePort, startService, type ServiceProcess } from '../../support/service-process.js';

/** The headers of a request that names no other user. */
const NOBODY_SAID: Caller = {};

export interface ToldTransition {
  from: string;
  to: string;
  reason: string;
}

export interface Transition extends ToldTransition {
  /** As in the history, without a zone: UTC. */
  at: string;
}

/** `tocsin serve` with all its roles, and what a client asks of it. */
export interface AlarmService {
  readonly url: string;
  readonly process: ServiceProcess;
  ask(method: string, path: string, body?: unknown, as?: Caller): Promise<Answered>;
  /** Creates an alarm, which must succeed, and returns its id. */
  create(body: object, as?: Caller): Promise<string>;
  alarm(
    id: string,
  ): Promise<{ state: string; state_reason: string; state_timestamp: string; evaluate_timestamp: string }>;
  /** Of an alarm's history, the oldest first. */
  transitions(id: string): Promise<Transition[]>;
  /** The value of one of the service's own metrics, by its name with its labels; undefined where there is none. */
  metric(name: string): Promise<number | undefined>;
  /** What its log has about the backends, an object a line. */
  logged(level: string): { message: string }[];
  stop(): Promise<void>;
}

/** On the embedded database unless `settings` name another. Resolves when it is ready. */
export async function startAlarmService(settings: Record<string, string>): Promise<AlarmService> {
  const dir = migratedDataDirectory();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = startService({ DATABASE_DATA_DIR: dir, API_PORT: String(port), ...settings });
  const stop = async (): Promise<void> => {
    await service.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await eventually(async () => expectReady(url, service));
  } catch (cause) {
    await stop();
    throw cause;
  }
  const askIt: AlarmService['ask'] = (method, target, body, as = NOBODY_SAID) =>
    ask(method, url + target, { as, body });
  const created = async (body: object, as?: Caller): Promise<string> => {
    const answer = await askIt('POST', '/v2/alarms', body, as);
    if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${answer.text}`);
    return answer.json<{ alarm_id: string }>().alarm_id;
  };
  return {
    url,
    process: service,
    ask: askIt,
    create: created,
    alarm: async (id) => (await askIt('GET', `/v2/alarms/${id}`)).json(),
    transitions: async (id) => transitionsIn((await askIt('GET', `/v2/alarms/${id}/history`)).json()),
    metric: async (name) => metricIn((await askIt('GET', '/metrics')).text, name),
    logged: (level) => linesOf(service).filter((line) => line.level === level),
    stop,
  };
}

async function expectReady(url: string, service: ServiceProcess): Promise<void> {
  if (!service.isRunning()) throw new Error(`ended: ${service.log()}`);
  const { status } = await fetch(`${url}/readyz`);
  if (status !== 200) throw new Error(`not ready: ${status}`);
}

interface HistoryEntry {
  type: string;
  timestamp: string;
  detail: string;
}

function transitionsIn(newestFirst: HistoryEntry[]): Transition[] {
  let from = 'insufficient data';
  return newestFirst
    .filter(({ type }) => type === 'state transition')
    .reverse()
    .map(({ timestamp, detail }) => {
      const { state, transition_reason: reason } = JSON.parse(detail) as { state: string; transition_reason: string };
      const transition = { at: timestamp, from, to: state, reason };
      from = state;
      return transition;
    });
}

function metricIn(text: string, name: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** The lines of the log that are JSON. */
export function linesOf(service: ServiceProcess): { level: string; message: string }[] {
  return service
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; message: string });
}

/** What the calls to one path of a receiver told, in their order. */
export function toldTransitions(requests: readonly ReceivedRequest[], target: string): ToldTransition[] {
  return requests
    .filter((request) => request.target === target)
    .map(({ body }) => {
      const {
        previous: from,
        current: to,
        reason,
      } = JSON.parse(body) as { previous: string; current: string; reason: string };
      return { from, to, reason };
    });
}

/** Actions that tell one path of a receiver of every transition. */
export function callOnEach(url: string): object {
  return { ok_actions: [url], alarm_actions: [url], insufficient_data_actions: [url] };
}

import type { Moments } from '../support/moments.js';
import { queryOf } from './metrics-backend.js';
import { THRESHOLD } from './oracle.js';

/** The alarms of a run, and a client that writes some of them all the time. */
export interface Workload {
  /** Numbers of all waves that an alarm may watch. */
  readonly numbers: ReadonlySet<number>;
  /** What the API has acknowledged, by alarm. */
  readonly written: ReadonlyMap<string, WrittenAlarm>;
  /** Writes that were acknowledged, without those of `createAlarms`. */
  readonly acknowledged: number;
  /** Requests without an answer, or with 5xx. */
  readonly failed: number;
  /** Creates the alarms on square waves. */
  createAlarms(count: number): Promise<void>;
  /** Creates an alarm with each query, on no wave and without actions. Resolves to their ids. */
  createUnwatched(queries: readonly string[]): Promise<string[]>;
  deleteUnwatched(ids: readonly string[]): Promise<void>;
  /** Creates, edits and deletes other alarms until the signal aborts. */
  write(stop: AbortSignal): Promise<void>;
}

/** An alarm whose creation was acknowledged. */
export interface WrittenAlarm {
  id: string;
  number: number;
  createdMs: number;
  /** Descriptions that it may have: of the last acknowledged write, and of later ones without an answer. */
  expected: string[];
  deleteRequestedMs?: number;
  /** Transitions that it had when its deletion was acknowledged. */
  deleted?: { transitions: number };
  edits: number;
}

/** What the workload needs. */
export interface WorkloadOptions {
  apiUrl: string;
  receiverUrls: readonly string[];
  random: Moments;
  /** The number of transitions of an alarm. */
  transitionsOf: (alarmId: string) => Promise<number>;
  /** Aborts when the run is interrupted. */
  stop: AbortSignal;
}

const AT_ONCE = 10;
const WRITE_EVERY_MS = 100;
const REQUEST_MS = 15_000;
const RETRY_MS = 200;
/** Numbers of the alarms that are written meanwhile begin here. */
export const FIRST_WRITTEN = 100_000;
const MOST_WRITTEN = 40;
const SHARE_CREATED = 0.25;
const SHARE_DELETED = 0.2;

/** Without a status, the request had no answer. */
interface ApiAnswer {
  status: number | undefined;
  body: unknown;
}

/** Creates the workload of a run. */
export function createWorkload({
  apiUrl,
  receiverUrls,
  random,
  transitionsOf,
  stop: interrupted,
}: WorkloadOptions): Workload {
  const numbers = new Set<number>();
  const written = new Map<string, WrittenAlarm>();
  const state = { acknowledged: 0, failed: 0 };
  let next = FIRST_WRITTEN;

  async function send(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const answer = await request(apiUrl + path, method, body);
    if (answer.status === undefined || answer.status >= 500) state.failed += 1;
    return answer;
  }

  async function createOne(number: number): Promise<void> {
    while (!interrupted.aborted) {
      const { status } = await send('POST', '/v2/alarms', alarmOf(number, 'first', receiverUrls));
      if (status === 201) return;
      await pause(RETRY_MS);
    }
  }

  async function createOther(query: string): Promise<string | undefined> {
    const rule = { query, comparison_operator: 'gt', threshold: THRESHOLD };
    const { status, body } = await send('POST', '/v2/alarms', {
      name: query,
      type: 'prometheus',
      prometheus_rule: rule,
    });
    return status === 201 ? (body as { alarm_id: string }).alarm_id : undefined;
  }

  async function removeOther(id: string): Promise<void> {
    for (let status; status !== 204 && status !== 404 && !interrupted.aborted; await pause(RETRY_MS))
      ({ status } = await send('DELETE', `/v2/alarms/${id}`));
  }

  async function createWritten(): Promise<void> {
    const number = next++;
    numbers.add(number);
    const { status, body } = await send('POST', '/v2/alarms', alarmOf(number, 'edit 0', receiverUrls));
    if (status !== 201) return;
    state.acknowledged += 1;
    const { alarm_id: id } = body as { alarm_id: string };
    written.set(id, { id, number, createdMs: Date.now(), expected: ['edit 0'], edits: 0 });
  }

  async function edit(alarm: WrittenAlarm): Promise<void> {
    const description = `edit ${++alarm.edits}`;
    alarm.expected.push(description);
    const { status } = await send('PUT', `/v2/alarms/${alarm.id}`, alarmOf(alarm.number, description, receiverUrls));
    if (status === 200) {
      state.acknowledged += 1;
      alarm.expected = [description];
    } else if (status !== undefined && status < 500) throw new Error(`an edit was answered ${status}`);
  }

  async function remove(alarm: WrittenAlarm): Promise<void> {
    alarm.deleteRequestedMs ??= Date.now();
    const { status } = await send('DELETE', `/v2/alarms/${alarm.id}`);
    // 404: an earlier deletion that had no answer was done.
    if (status !== 204 && status !== 404) return;
    state.acknowledged += 1;
    alarm.deleted = { transitions: await untilResolved(() => transitionsOf(alarm.id), interrupted) };
  }

  return Object.assign(state, {
    numbers,
    written,
    async createAlarms(count: number) {
      for (let number = 0; number < count; number++) numbers.add(number);
      for (let from = 0; from < count; from += AT_ONCE)
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, k) => createOne(from + k)));
    },
    async createUnwatched(queries: readonly string[]) {
      const ids = await Promise.all(queries.map(createOther));
      return ids.filter((id) => id !== undefined);
    },
    async deleteUnwatched(ids: readonly string[]) {
      await Promise.all(ids.map(removeOther));
    },
    async write(stop: AbortSignal) {
      while (!stop.aborted) {
        const live = [...written.values()].filter(({ deleted }) => deleted === undefined);
        const one = live[Math.floor(random.next(live.length))];
        const choice = random.next(1);
        if (one === undefined || (choice < SHARE_CREATED && live.length < MOST_WRITTEN)) await createWritten();
        else if (one.deleteRequestedMs !== undefined || choice > 1 - SHARE_DELETED) await remove(one);
        else await edit(one);
        await pause(WRITE_EVERY_MS);
      }
    },
  });
}

/** An alarm on a wave. Every tenth has two actions, every fiftieth none. */
function alarmOf(number: number, description: string, receiverUrls: readonly string[]): unknown {
  const receiver = receiverUrls[number % receiverUrls.length] ?? '';
  const hooks = Array.from({ length: actionsOf(number) }, (_, action) => `${receiver}/${number}/${action}`);
  return {
    name: `wave ${number}`,
    description,
    type: 'prometheus',
    prometheus_rule: { query: queryOf(number), comparison_operator: 'gt', threshold: THRESHOLD },
    ok_actions: hooks,
    alarm_actions: hooks,
    insufficient_data_actions: hooks,
  };
}

/** Number of actions in each state. */
export function actionsOf(number: number): number {
  if (number % 50 === 49) return 0;
  return number % 10 === 5 ? 2 : 1;
}

async function request(url: string, method: string, body: unknown): Promise<ApiAnswer> {
  try {
    const response = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(REQUEST_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  } catch {
    return { status: undefined, body: undefined };
  }
}

/** Repeats it while the database is down. Resolves to NaN if the run is interrupted. */
async function untilResolved(work: () => Promise<number>, interrupted: AbortSignal): Promise<number> {
  while (!interrupted.aborted) {
    const found = await work().catch(() => undefined);
    if (found !== undefined) return found;
    await pause(RETRY_MS);
  }
  return NaN;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

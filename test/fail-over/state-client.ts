import { createSystemClock } from '../../src/clock.js';
import { PATIENCE_MS } from '../support/patience.js';

/** A client that sets the state of one alarm again and again, and reads it after each time. */
export interface StateClient {
  /** Number of answers by status. */
  readonly answers: ReadonlyMap<number, number>;
  /** Changes that were acknowledged. */
  readonly acknowledged: number;
  /** Answers that no client may get, as text. */
  readonly wrong: readonly string[];
  /** Longest time between two acknowledged changes, in milliseconds. */
  readonly longestGapMs: number;
  stop(): Promise<void>;
}

const STATES = ['ok', 'alarm', 'insufficient data'];
const EVERY_MS = 50;
const clock = createSystemClock();

/** Starts the client with an alarm of its own, which nothing evaluates. */
export async function startStateClient(apiUrl: string): Promise<StateClient> {
  const rule = { meter_name: 'none', threshold: 1 };
  const alarm = { name: 'set by a client', enabled: false, type: 'threshold', threshold_rule: rule };
  const created = await send(`${apiUrl}/v2/alarms`, 'POST', alarm);
  const url = `${apiUrl}/v2/alarms/${(created.body as { alarm_id: string }).alarm_id}/state`;
  const answers = new Map<number, number>();
  const wrong: string[] = [];
  const state = { acknowledged: 0, longestGapMs: 0 };
  /** The last state that was acknowledged, and those of later requests whose outcome is unknown. */
  let possible = new Set(['insufficient data']);
  let lastMs = clock.monotonicMs();

  const note = ({ status, retryAfter, body }: Answer, request: string): void => {
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status === 200) return;
    if (status !== 503) wrong.push(`${request}: ${status} ${JSON.stringify(body)}`);
    else if (request.includes('/v1/') && retryAfter === null) wrong.push(`${request}: 503 without Retry-After`);
  };
  const setState = async (next: string): Promise<void> => {
    possible.add(next);
    const answer = await send(url, 'PUT', next);
    note(answer, `PUT ${next}`);
    if (answer.status !== 200) return;
    possible = new Set([next]);
    state.acknowledged += 1;
    state.longestGapMs = Math.max(state.longestGapMs, clock.monotonicMs() - lastMs);
    lastMs = clock.monotonicMs();
  };
  const readState = async (): Promise<void> => {
    const answer = await send(url, 'GET');
    note(answer, 'GET state');
    if (answer.status === 200 && !possible.has(answer.body as string))
      wrong.push(`the state is ${String(answer.body)}, not ${[...possible].join(' or ')}`);
    note(await send(`${apiUrl}/v1/notifications?limit=1`, 'GET'), 'GET /v1/notifications');
  };

  const stop = new AbortController();
  const loop = (async () => {
    for (let n = 0; !stop.signal.aborted; n += 1) {
      await setState(STATES[n % STATES.length] ?? '');
      await readState();
      await clock.sleep(EVERY_MS);
    }
  })();
  return Object.assign(state, {
    answers,
    wrong,
    stop: async () => {
      stop.abort();
      await loop;
    },
  });
}

interface Answer {
  status: number;
  retryAfter: string | null;
  body: unknown;
}

async function send(url: string, method: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as unknown,
  };
}

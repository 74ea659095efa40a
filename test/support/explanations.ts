import type { Database } from '../../src/storage/database.js';
import { READER, type TestApi } from './api.js';

/** The answer of GET /v2/alarms/{id}/explain, as far as tests read it. */
export interface Explained {
  options: object;
  summary: string;
  state_reason: string;
  notes: string[];
  state: string;
  state_at: { state: string; since: string | null; reason: string | null; known_from: string };
  evaluation: { verdict: string | null; would_be_state: string; decision: string; reason: string };
  questions: {
    rule: { name: string; verdict: string } | null;
    backend: {
      kind: string;
      name: string | null;
      configured: boolean;
      reachable: boolean | null;
      trouble: string | null;
    };
    window: Record<string, unknown>;
    requests: string[];
    refusal: string | null;
    condition: { threshold: number; effective_threshold: number };
    compared: number;
    outside: number;
    datapoints: Record<string, unknown>[];
  }[];
  time_constraints: { within: boolean; constraints: { name: string; holds: boolean }[] };
  members: { alarm_id: string; state: string | null }[] | null;
  last_firing: { timestamp: string; reason: string } | null;
  evaluation_schedule: Record<string, unknown>;
}

/** The explanation of an alarm for a reader of its project. `search` is the query string with its question mark. */
export async function explain(api: TestApi, id: string, search = ''): Promise<Explained> {
  const answer = await api.ask('GET', `/v2/alarms/${id}/explain${search}`, { as: READER });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json<Explained>();
}

/** Stores a change of state as an evaluator would. */
export async function storeTransition(
  db: Database,
  alarmId: string,
  { at, from, to, reason, version }: { at: Date; from: string; to: string; reason: string; version: number },
): Promise<void> {
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp, state_version,
      previous_state)
     values ($1, $2, 'state transition', $3, 'p1', $4, $5, $6)`,
    [`${alarmId}-${version}`, alarmId, JSON.stringify({ state: to, transition_reason: reason }), at, version, from],
  );
  await db.query(
    'update alarms set state = $2, state_version = $3::bigint, state_reason ' +
      '= $4, state_timestamp = $5::timestamptz where id = $1',
    [alarmId, to, version, reason, at],
  );
}

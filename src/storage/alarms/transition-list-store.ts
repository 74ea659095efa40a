import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlice, SLICE_ROW, textBytes, type SlicedTable, type SliceQuery } from '../slices.js';

/** A transition of any alarm, by an evaluation, an event or a user. */
export interface ListedTransition {
  eventId: string;
  alarmId: string;
  /** Null if the alarm was deleted some time ago, or has moved to another project. */
  alarmName: string | null;
  type: AlarmKind | null;
  severity: Severity | null;
  projectId: string | null;
  at: Date;
  from: AlarmState | null;
  to: AlarmState;
  reason: string | null;
  stateVersion: number | null;
  /** The user who set the state; null for an evaluation or an event. */
  userId: string | null;
}

/** Conditions that must all hold. */
export interface TransitionFilter {
  /** Instead of all projects of the scope. */
  projectId?: string | undefined;
  alarmId?: string | undefined;
  /** The state after the transition. */
  state?: AlarmState | undefined;
  type?: AlarmKind | undefined;
  severity?: Severity | undefined;
  /** Included. */
  since?: Date | undefined;
  /** Not included. */
  until?: Date | undefined;
}

/** The place of an entry in the history of all alarms. */
export interface TransitionPosition {
  /** ISO 8601 in UTC, in microseconds: several entries can have the same millisecond. */
  at: string;
  eventId: string;
}

/** One page, newest first. */
export interface TransitionQuery {
  filter: TransitionFilter;
  limit: number;
  /** The entry of the history before the first one of the page. */
  after?: TransitionPosition | undefined;
  /** When it aborts, the page is incomplete: its reader has left. */
  signal?: AbortSignal | undefined;
}

/** Transitions of one page. It can be short or empty although another one follows: see `MOST_SLICES`. */
export interface TransitionPage {
  transitions: ListedTransition[];
  /** The last entry that was read for this page; undefined if no page follows. */
  next: TransitionPosition | undefined;
}

/** Most statements of one page. Each reads `SLICE_LIMITS` entries of the history, which may all be filtered out. */
const MOST_SLICES = 6;

/** Lists the transitions of all alarms. */
export function createTransitionListStore(db: Database) {
  return { page: (scope: Scope, query: TransitionQuery): Promise<TransitionPage> => page(db, scope, query) };
}

/** Indexes have the history by time: of one alarm, of one project and of all. */
const NEWEST_FIRST: SlicedTable = {
  table: 'alarm_history h',
  alias: 'h',
  keys: [
    { sql: 'h.timestamp', type: 'timestamptz', descending: true },
    { sql: 'h.event_id', type: 'text', descending: true },
  ],
  bytes: textBytes('h.detail'),
};

/** The entry of a state that a user set has no severity. */
const SEVERITY = 'coalesce(h.severity, a.severity)';

const COLUMNS = `h.event_id as "eventId", h.alarm_id as "alarmId", a.name as "alarmName", a.type,
  ${SEVERITY} as severity, h.on_behalf_of as "projectId", h.timestamp as at, h.previous_state as "from", h.detail,
  h.state_version as "stateVersion", h.user_id as "userId", to_json(h.timestamp) #>> '{}' as "exactAt"`;

/** Those who read the history of an alarm that has moved to another project do not see its name there. */
const JOIN_ALARM = 'left join alarms a on a.id = h.alarm_id and a.project_id is not distinct from h.on_behalf_of';

/** How the detail of a transition begins, by the state after it. */
const DETAIL_START: Readonly<Record<AlarmState, string>> = {
  ok: '{"state": "ok"',
  alarm: '{"state": "alarm"',
  'insufficient data': '{"state": "insufficient data"',
};

type TransitionRow = Omit<ListedTransition, 'to' | 'reason'> & { detail: string; exactAt: string };

async function page(
  db: Database,
  scope: Scope,
  { filter, limit, after, signal }: TransitionQuery,
): Promise<TransitionPage> {
  const query = sliceQuery(scope, filter);
  const found: TransitionRow[] = [];
  let position = after && [after.at, after.eventId];
  for (let slices = 0; slices < MOST_SLICES && !signal?.aborted; slices += 1) {
    // Most entries of a list without a filter are transitions.
    const limits = slices === 0 ? { rows: limit + 1 } : {};
    const { rows, next } = await readSlice<TransitionRow>(db, NEWEST_FIRST, { ...query, limits }, position);
    found.push(...rows);
    if (found.length > limit) return pageOf(found.slice(0, limit), positionOf(found[limit - 1]));
    if (next === undefined) return pageOf(found, undefined);
    position = next.map(String);
  }
  if (position === undefined) return pageOf(found, undefined);
  const [at = '', eventId = ''] = position;
  return pageOf(found, { at: utcText(at), eventId });
}

function sliceQuery(scope: Scope, filter: TransitionFilter): Omit<SliceQuery, 'limits'> {
  const { projectId, alarmId, state, type, severity, since, until } = filter;
  return {
    bounds: (conditions) => {
      restrictToScope(scope, 'h.on_behalf_of', conditions);
      conditions.equal('h.on_behalf_of', projectId, 'text');
      conditions.equal('h.alarm_id', alarmId, 'text');
      conditions.within('h.timestamp', { since, until });
    },
    select: (conditions, from) => {
      conditions.add("h.type = 'state transition'");
      if (state) conditions.add(`starts_with(h.detail, ${conditions.parameter(DETAIL_START[state], 'text')})`);
      conditions.equal(SEVERITY, severity, 'text');
      conditions.equal('a.type', type, 'text');
      return `select ${COLUMNS}, ${SLICE_ROW} from ${from} ${JOIN_ALARM} ${conditions.where()}`;
    },
  };
}

function pageOf(rows: readonly TransitionRow[], next: TransitionPosition | undefined): TransitionPage {
  return { transitions: rows.map(toTransition), next };
}

function positionOf(row: TransitionRow | undefined): TransitionPosition | undefined {
  return row && { at: utcText(row.exactAt), eventId: row.eventId };
}

/** The text of a time in JSON, in UTC: `2026-11-29T17:04:23.123456Z`. A `Date` has milliseconds only. */
function utcText(json: string): string {
  const microseconds = /\.\d{3}(\d+)/.exec(json)?.[1] ?? '';
  return new Date(json).toISOString().replace('Z', `${microseconds}Z`);
}

function toTransition({ detail, exactAt: _, ...row }: TransitionRow): ListedTransition {
  // Evaluations and users write the reason under different keys.
  const { state, transition_reason: transition, state_reason: set } = JSON.parse(detail) as StoredTransition;
  return { ...row, to: state, reason: transition ?? set ?? null };
}

interface StoredTransition {
  state: AlarmState;
  transition_reason?: string;
  state_reason?: string;
}

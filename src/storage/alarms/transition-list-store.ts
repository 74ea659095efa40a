import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import { firstRows } from '../../async/pages.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlices, textBytes, type SlicedTable } from '../slices.js';

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

/** One page, newest first. */
export interface TransitionQuery {
  filter: TransitionFilter;
  limit: number;
  /** The transition before the first one of the page. */
  after?: Pick<ListedTransition, 'at' | 'eventId'> | undefined;
  /** When it aborts, the page is incomplete: its reader has left. */
  signal?: AbortSignal | undefined;
}

/** Transitions of one page. */
export interface TransitionPage {
  transitions: ListedTransition[];
  /** True if another page follows. */
  hasMore: boolean;
}

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
  h.state_version as "stateVersion", h.user_id as "userId"`;

/** Those who read the history of an alarm that has moved to another project do not see its name there. */
const JOIN_ALARM = 'left join alarms a on a.id = h.alarm_id and a.project_id is not distinct from h.on_behalf_of';

/** How the detail of a transition begins, by the state after it. */
const DETAIL_START: Readonly<Record<AlarmState, string>> = {
  ok: '{"state": "ok"',
  alarm: '{"state": "alarm"',
  'insufficient data': '{"state": "insufficient data"',
};

type TransitionRow = Omit<ListedTransition, 'to' | 'reason'> & { detail: string };

async function page(
  db: Database,
  scope: Scope,
  { filter, limit, after, signal }: TransitionQuery,
): Promise<TransitionPage> {
  const { projectId, alarmId, state, type, severity, since, until } = filter;
  const slices = readSlices<TransitionRow>(
    db,
    NEWEST_FIRST,
    {
      bounds: (conditions) => {
        restrictToScope(scope, 'h.on_behalf_of', conditions);
        conditions.equal('h.on_behalf_of', projectId, 'text');
        conditions.equal('h.alarm_id', alarmId, 'text');
        conditions.within('h.timestamp', { since, until });
      },
      filter: (conditions) => {
        conditions.add("h.type = 'state transition'");
        if (state) conditions.add(`starts_with(h.detail, ${conditions.parameter(DETAIL_START[state], 'text')})`);
        conditions.equal(SEVERITY, severity, 'text');
        conditions.equal('a.type', type, 'text');
      },
      columns: COLUMNS,
      joins: JOIN_ALARM,
      wanted: limit + 1,
    },
    after && [after.at, after.eventId],
  );
  const found = await firstRows(slices, limit + 1, signal);
  return { transitions: found.slice(0, limit).map(toTransition), hasMore: found.length > limit };
}

function toTransition({ detail, ...row }: TransitionRow): ListedTransition {
  // Evaluations and users write the reason under different keys.
  const { state, transition_reason: transition, state_reason: set } = JSON.parse(detail) as StoredTransition;
  return { ...row, to: state, reason: transition ?? set ?? null };
}

interface StoredTransition {
  state: AlarmState;
  transition_reason?: string;
  state_reason?: string;
}

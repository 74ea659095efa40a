import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';

/** Kinds of events in the stream. */
export const STREAM_EVENT_KINDS = ['transition', 'definition', 'delivery', 'silence', 'pause'] as const;
export type StreamEventKind = (typeof STREAM_EVENT_KINDS)[number];

/** An event of the stream. What the alarm has is null if the alarm is gone, or is in another project now. */
export interface StreamEvent {
  kind: StreamEventKind;
  transaction: bigint;
  number: bigint;
  at: Date;
  projectId: string | null;
  /** True if every project may see it. */
  allProjects: boolean;
  alarmId: string | null;
  alarmName: string | null;
  alarmType: string | null;
  severity: Severity | null;
  /** The new state; of a delivery, the state that it tells; of a definition, the present state of the alarm. */
  state: AlarmState | null;
  previousState: AlarmState | null;
  /** Id of the history entry, notification or silence; of a pause, its project or `*`. */
  objectId: string;
  /** Type of the history entry, status of the notification, or what happened to the silence or the pause. */
  change: string;
  /** Of transitions: the JSON of the history entry. Null if it is long. */
  detail: string | null;
  /** Of deliveries. */
  notificationKind: string | null;
  host: string | null;
  attempts: number | null;
  error: string | null;
}

/** A table whose rows are events. */
export interface StreamSource {
  table: string;
  alias: string;
  /** Columns of the transaction and of the number, which an index has in this order. */
  transaction: string;
  number: string;
  /** SQL for the fields of `StreamEvent`, over `alias` and the alarm `a`. */
  fields: Readonly<Record<Exclude<keyof StreamEvent, 'transaction' | 'number'>, string>>;
  /** SQL for the alarm of the row; null joins none. */
  alarm: string;
}

/** Longer details are not read: only the texts of reasons would be lost. */
const MAX_DETAIL = 2_048;

const TOLD_STATE = (list: string): string =>
  `case ${list} when 'ok_actions' then 'ok' when 'alarm_actions' then 'alarm'
    when 'insufficient_data_actions' then 'insufficient data' end`;

const OF_ALARM = { alarmName: 'a.name', alarmType: 'a.type', severity: 'a.severity', previousState: 'null' };

/** An alarm that was created by an admin for a project belongs to that project; its history to the admin's. */
const HISTORY_PROJECT = `case when h.type = 'creation' and a.id is not null then a.project_id else h.on_behalf_of end`;

/** All tables that have events. The ids of events of all of them are in one order. */
export const STREAM_SOURCES: readonly StreamSource[] = [
  {
    table: 'alarm_history',
    alias: 'h',
    transaction: 'h.revision',
    number: 'h.stream_number',
    fields: {
      ...OF_ALARM,
      kind: `case h.type when 'state transition' then 'transition' else 'definition' end`,
      at: 'h.timestamp',
      projectId: HISTORY_PROJECT,
      allProjects: 'false',
      alarmId: 'h.alarm_id',
      severity: 'coalesce(h.severity, a.severity)',
      state: `case h.type when 'state transition' then substring(h.detail from '^\\{"state": "([a-z ]+)"')
        else a.state end`,
      previousState: 'h.previous_state',
      objectId: 'h.event_id',
      change: 'h.type',
      detail: `case when h.type = 'state transition' and octet_length(h.detail) <= ${MAX_DETAIL} then h.detail end`,
      notificationKind: 'null',
      host: 'null',
      attempts: 'null::integer',
      error: 'null',
    },
    alarm: `a.id = h.alarm_id and (h.type = 'creation' or a.project_id is not distinct from h.on_behalf_of)`,
  },
  {
    table: 'notifications',
    alias: 'n',
    transaction: 'n.ended_in',
    number: 'n.ended_number',
    fields: {
      ...OF_ALARM,
      kind: `'delivery'`,
      at: 'coalesce(n.finished_at, n.created_at)',
      projectId: 'n.project_id',
      allProjects: 'false',
      alarmId: 'n.alarm_id',
      state: TOLD_STATE('n.action_list'),
      objectId: 'n.id',
      change: 'n.status',
      detail: 'null',
      notificationKind: 'n.kind',
      host: 'n.host',
      attempts: 'n.attempt',
      error: 'n.last_error',
    },
    alarm: 'a.id = n.alarm_id and a.project_id is not distinct from n.project_id',
  },
  {
    table: 'stream_entries',
    alias: 'e',
    transaction: 'e.revision',
    number: 'e.stream_number',
    fields: {
      ...OF_ALARM,
      kind: 'e.kind',
      at: 'e.at',
      projectId: 'e.project_id',
      allProjects: 'e.all_projects',
      alarmId: 'e.alarm_id',
      state: TOLD_STATE('e.action_list'),
      objectId: 'e.object_id',
      change: 'e.change',
      detail: 'null',
      notificationKind: 'e.notification_kind',
      host: 'e.host',
      attempts: 'e.attempt',
      error: 'e.error',
    },
    alarm: 'a.id = e.alarm_id and a.project_id is not distinct from e.project_id',
  },
];

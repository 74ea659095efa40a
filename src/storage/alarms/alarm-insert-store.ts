import { pythonText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import type { CountedOwner } from './alarm-count-store.js';
import { ALARM_CREATION, ALARM_WRITTEN, alarmParameters, type StoredAlarm } from './alarm-row.js';
import type { Sql } from '../database.js';
import { HISTORY_WRITTEN, historyParameters, type HistoryEntry } from './history-row.js';
import type { Sealer } from '../secrets/sealed.js';
import { sealActions } from '../secrets/sealed-actions.js';

/** Configured limits: most alarms of a project without its own quota, and of a user. -1: no limit. */
export interface AlarmQuotas {
  project: number;
  user: number;
}

/** No limits. */
export const NO_QUOTAS: AlarmQuotas = { project: -1, user: -1 };

/** An alarm to insert, and the entry for its history. */
export interface Insertion {
  alarm: StoredAlarm;
  entry: HistoryEntry;
}

/** Dependencies of inserts of alarms. */
export interface InsertionRules {
  quotas: AlarmQuotas;
  sealer: Sealer;
}

/**
 * A limit applies to an owner without a complete counter. Nothing was written: call `startCounting` and insert again.
 */
export class AlarmsNotCounted extends Error {
  constructor(readonly owner: CountedOwner) {
    super(`the alarms of this ${owner.kind} are not counted yet`);
  }
}

const PROJECT = ALARM_WRITTEN.parameter('project_id');
const USER = ALARM_WRITTEN.parameter('user_id');
/** Number of the first of the two parameters for quotas, which follow those of the alarm and its entry. */
const QUOTAS_FROM = ALARM_WRITTEN.count + HISTORY_WRITTEN.count + 1;

const insertAlarmFrom = (source: string): string => `
  insert into alarms (${ALARM_CREATION.names}) select ${ALARM_CREATION.parameters} ${source} returning id`;

const INSERT_ENTRY = `
  insert into alarm_history (${HISTORY_WRITTEN.names})
  select ${HISTORY_WRITTEN.parameters(ALARM_WRITTEN.count + 1)} from alarm`;

/**
 * Inserts an alarm of owners without limit and counter, the usual case. It reads three more keys and locks no common
 * row. For other owners it writes nothing. Use it only if no limits are configured.
 */
const INSERT_UNLIMITED = `with alarm as (${insertAlarmFrom(`
  where not exists (select from quotas where project_id = ${PROJECT} and resource = 'alarms' and "limit" >= 0)
    and not exists (select from alarm_counts where kind = 'project' and id = ${PROJECT})
    and not exists (select from alarm_counts where kind = 'user' and id = ${USER})`)}
) ${INSERT_ENTRY}`;

/**
 * Inserts the alarm and its history entry and raises the counters of its owners, in one statement whose cost does not
 * depend on the number of alarms. A counter that a limit applies to is raised only if it is complete and below the
 * limit. If another transaction has changed the counter, PostgreSQL repeats this check on its newest version, so
 * concurrent inserts cannot exceed the limit. The CTEs are materialized so that a repeated check does not execute them
 * again.
 */
const INSERT_COUNTED = `with limits as materialized (
  select case when ${PROJECT} is null then -1
              else coalesce((select q."limit" from quotas q where q.project_id = ${PROJECT} and q.resource = 'alarms'),
                $${QUOTAS_FROM}::integer)
         end as of_project,
         case when ${USER} is null then -1 else $${QUOTAS_FROM + 1}::integer end as of_user
), known as materialized (
  select exists (select from alarm_counts where kind = 'project' and id = ${PROJECT} and complete) as project,
         exists (select from alarm_counts where kind = 'user' and id = ${USER} and complete) as "user"
), project_counter as (
  update alarm_counts c set alarms = c.alarms + 1 from limits l
   where c.kind = 'project' and c.id = ${PROJECT} and (l.of_project < 0 or (c.complete and c.alarms < l.of_project))
   returning c.id
), project_admission as materialized (
  select exists (select from project_counter) or (l.of_project < 0 and not k.project) as admits from limits l, known k
), user_counter as (
  update alarm_counts c set alarms = c.alarms + 1 from limits l, project_admission p
   where p.admits and c.kind = 'user' and c.id = ${USER} and (l.of_user < 0 or (c.complete and c.alarms < l.of_user))
   returning c.id
), admission as materialized (
  select p.admits and (exists (select from user_counter) or (l.of_user < 0 and not k."user")) as admits,
         case when not p.admits and not k.project then 'project' when p.admits and l.of_user >= 0
           and not k."user" then 'user' end as uncounted
    from limits l, known k, project_admission p
), alarm as (${insertAlarmFrom('from admission where admits')}
), entry as (${INSERT_ENTRY}
)
select admits, uncounted from admission`;

/**
 * Inserts an alarm within the quotas. With a limit for users call it in a transaction, so that an error also reverts
 * the project's counter.
 * @throws AppError `forbidden` if a quota is exhausted.
 * @throws AlarmsNotCounted if the alarms of an owner must be counted first.
 */
export async function insertAlarm(
  sql: Sql,
  { alarm, entry }: Insertion,
  { quotas, sealer }: InsertionRules,
): Promise<void> {
  const actions = sealActions(alarm, sealer, undefined);
  const parameters = [...alarmParameters(alarm, actions), ...historyParameters(entry, sealer)];
  const isUnlimited = quotas.project < 0 && quotas.user < 0;
  if (isUnlimited && (await sql.query(INSERT_UNLIMITED, parameters)).rowCount > 0) return;
  const { rows } = await sql.query<{ admits: boolean; uncounted: CountedOwner['kind'] | null }>(INSERT_COUNTED, [
    ...parameters,
    quotas.project,
    quotas.user,
  ]);
  const { admits, uncounted } = rows[0] ?? { admits: false, uncounted: null };
  if (admits) return;
  const id = uncounted === 'user' ? alarm.userId : alarm.projectId;
  if (uncounted && id !== null) throw new AlarmsNotCounted({ kind: uncounted, id });
  const [user, project] = [alarm.userId, alarm.projectId].map(pythonText);
  throw new AppError('forbidden', `Alarm quota exceeded for user ${user} on project ${project}`);
}

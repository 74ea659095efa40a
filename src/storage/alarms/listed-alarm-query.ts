import type { Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import type { Conditions } from '../conditions.js';
import { restrictToScope, type Scope } from '../scope.js';

/** Conditions on listed alarms, which must all hold. */
export interface ListedAlarmFilter {
  /** Instead of all projects of the scope. */
  projectId?: string | undefined;
  state?: AlarmState | undefined;
  type?: AlarmKind | undefined;
  severity?: Severity | undefined;
  enabled?: boolean | undefined;
  /** A part of the name, in any letter case, or the whole id. */
  search?: string | undefined;
}

/** Adds the conditions that the indexes by name answer, from `alarms a`. */
export function boundListedAlarms(conditions: Conditions, scope: Scope, { projectId }: ListedAlarmFilter): void {
  conditions.add('a.deleted_at is null');
  restrictToProject(conditions, scope);
  if (projectId !== undefined) restrictToProject(conditions, { projectId });
}

/** The expression is that of the index; an alarm without a project belongs to no project named ''. */
function restrictToProject(conditions: Conditions, scope: Scope): void {
  restrictToScope(scope, "coalesce(a.project_id, '')", conditions);
  restrictToScope(scope, 'a.project_id', conditions);
}

/** The conditions that no index answers; undefined if there are none. */
export function listedAlarmConditions({
  state,
  type,
  severity,
  enabled,
  search,
}: ListedAlarmFilter): ((conditions: Conditions) => void) | undefined {
  if ([state, type, severity, enabled, search].every((value) => value === undefined)) return undefined;
  return (conditions) => {
    conditions.equal('a.state', state, 'text');
    conditions.equal('a.type', type, 'text');
    conditions.equal('a.severity', severity, 'text');
    conditions.equal('a.enabled', enabled, 'boolean');
    if (search === undefined) return;
    const text = conditions.parameter(search, 'text');
    conditions.add(`strpos(lower(a.name), lower(${text})) > 0 or a.id = ${text}`);
  };
}

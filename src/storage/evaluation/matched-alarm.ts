import type { MatchedAlarm } from '../../alarm/silence/matchers.js';
import type { AppliedChange } from './outcome-rows.js';

/** The alarm of a decision as silences see it. */
export function matchedAlarmOf({ row }: Pick<AppliedChange, 'row'>): MatchedAlarm {
  return { id: row.id, projectId: row.project_id, name: row.name, type: row.type, severity: row.severity };
}

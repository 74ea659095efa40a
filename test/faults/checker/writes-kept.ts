import type { RunRecords } from '../records.js';
import { verdictOf, type Verdict } from './verdict.js';

/** G11: acknowledged writes are in the database, no edit is undone, and a deleted alarm changes no more. */
export function checkWritesKept({ writes, acknowledgedWrites }: RunRecords): Verdict {
  const problems: string[] = [];
  for (const { alarmId, kind, expected, found, transitions } of writes) {
    if (kind === 'delete') {
      if (found !== undefined) problems.push(`alarm ${alarmId} was deleted, and is there`);
      if (transitions !== undefined && transitions.after !== transitions.before)
        problems.push(`alarm ${alarmId} made ${transitions.after - transitions.before} transitions after its deletion`);
    } else if (found === undefined) problems.push(`alarm ${alarmId} was created, and is missing`);
    else if (!expected.includes(found))
      problems.push(`alarm ${alarmId} has the description "${found}", not ${expected.join(' or ')}`);
  }
  return verdictOf('G11', { alarms: writes.length, acknowledgedWrites }, { absolute: problems });
}

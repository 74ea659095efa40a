import type { AlarmMatcher } from '../../src/alarm/silence/matchers.js';
import type { Silence } from '../../src/alarm/silence/silence.js';
import type { Database } from '../../src/storage/database.js';
import { createSilenceStore } from '../../src/storage/silences/silence-store.js';

/** A silence of project p that matches all alarms, for an hour from this time, unless said otherwise. */
export function aSilence(at: Date, fields: Partial<Silence> = {}): Silence {
  const matchers: AlarmMatcher[] = [{ field: 'name', value: '*' }];
  return {
    id: 's',
    project: 'p',
    isAdmins: false,
    matchers,
    startsAt: at,
    endsAt: new Date(at.getTime() + 3_600_000),
    recurrence: null,
    reason: 'maintenance',
    owner: 'operators',
    createdAt: at,
    endedAt: null,
    ...fields,
  };
}

/** Stores a silence as the API does. */
export async function storeSilence(db: Database, silence: Silence): Promise<void> {
  const by = { userId: 'u', projectId: silence.project, at: silence.createdAt };
  if (!(await createSilenceStore(db).create(silence, by))) throw new Error('the project has too many silences');
}

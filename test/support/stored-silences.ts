import type { AlarmMatcher } from '../../src/alarm/silence/matchers.js';
import type { Silence } from '../../src/alarm/silence/silence.js';
import type { Database } from '../../src/storage/database.js';
import { createSilenceStore } from '../../src/storage/silences/silence-store.js';

/** A silence of project p that matches all alarms, for an hour from this time, unless said otherwise. */
export function aSilence(at: Date, fields: Partial<Silence> = {}): Silence {
  const matchers: AlarmMatcher[] = [{ field: 'name', value: '*' }];
  return {
    id: 's',
    projects: ['p'],
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
  const by = { userId: 'u', projectId: silence.projects[0] ?? null, at: silence.createdAt };
  if (!(await createSilenceStore(db).create(silence, by))) throw new Error('the project has too many silences');
}

/** Silences to store. */
export interface ManySilences {
  projects: readonly string[];
  count: number;
  isOver: boolean;
  /** When they were made. */
  at: Date;
}

/** Stores silences that match no alarm. */
export async function storeManySilences(db: Database, { projects, count, isOver, at }: ManySilences): Promise<void> {
  const isOne = projects.length === 1;
  const end = new Date(at.getTime() + (isOver ? -1 : 3_600_000));
  await db.query(
    `insert into silences (id, project, projects, is_admins, matchers, starts_at, ends_at, reason, owner, over_at,
                           created_at)
     select gen_random_uuid()::text, $1::text, $2::text[], true, '[{"field":"name","value":"x"}]',
            $3::timestamptz - interval '1 hour', $4::timestamptz, 'r', 'o', $4::timestamptz, $3::timestamptz
       from generate_series(1, $5::int)`,
    [isOne ? projects[0] : null, isOne ? null : projects, at, end, count],
  );
}

import { alarmTypes } from '../src/alarm/types/index.js';
import { createEvaluationCommit, type CommitEvaluations } from '../src/storage/evaluation/evaluation-commit.js';
import { emptyAlarms, startBenchEvaluator, storeAlarms } from './evaluator-rig.js';
import { cpuSeconds, plain, type Figure } from './figure.js';
import { cpuSecondsOf } from './process-cpu.js';
import type { Rig } from './rig.js';

const START = new Date('2026-01-01T12:00:01Z');
const STORED = 100_000;
/** Open silences of the alarms' project: the most that it may have. */
const SILENCES = 1_000;
/** Transitions of one transaction, and such transactions: of a busy minute and of a calm one. */
const BATCHES = [
  { size: 500, count: 60 },
  { size: 1, count: 500 },
];

/** An alarm as a commit needs it. */
interface BenchAlarm {
  id: string;
  partition: number;
  stateVersion: number;
  state: 'ok' | 'alarm';
}

/** What a transition with one webhook costs to store, without silences and under as many as a project may have. */
export async function benchTransitions(rig: Rig): Promise<Figure[]> {
  await fill(rig);
  const commitTransitions = await createTransitions(rig);
  const figures = await measure(rig, commitTransitions, 'no silences');
  await silence(rig, "'other-' || n || '-*'");
  figures.push(...(await measure(rig, commitTransitions, `${SILENCES.toLocaleString('en')} silences of other alarms`)));
  await silence(rig, "case when n = 1 then '*' else 'other-' || n || '-*' end");
  figures.push(...(await measure(rig, commitTransitions, `${SILENCES.toLocaleString('en')} silences, held by one`)));
  await rig.db.query('truncate silences cascade');
  return figures;
}

async function fill({ db }: Rig): Promise<void> {
  await emptyAlarms(db);
  const rule = alarmTypes.threshold.schema.parse({ meter_name: 'load', threshold: 80, comparison_operator: 'gt' });
  const place = (): { queryKey: string; partition: number } => ({ queryKey: 'load', partition: 0 });
  await storeAlarms(db, { count: STORED, at: START, rule: () => rule, place });
  await db.query(`update alarms set partition = abs(hashtext(id)) % 256, state = 'ok',
    ok_actions = '{http://127.0.0.1:9/hook}', alarm_actions = '{http://127.0.0.1:9/hook}'`);
  await db.query('vacuum analyze alarms');
  const evaluator = startBenchEvaluator(db, { start: START });
  await evaluator.own();
  await evaluator.stop();
}

async function silence({ db }: Rig, name: string): Promise<void> {
  await db.query('truncate silences cascade');
  await db.query(
    `insert into silences (id, project, is_admins, matchers, starts_at, ends_at, reason, owner, over_at, created_at)
     select gen_random_uuid()::text, 'p', false, '[{"field":"name","value":"' || ${name} || '"}]', $1::timestamptz,
       $1::timestamptz + interval '1 day', 'bench', 'bench', $1::timestamptz + interval '1 day', $1
       from generate_series(1, ${SILENCES}) n`,
    [START],
  );
  await db.query('analyze silences');
}

/** A function that lets the next `size` alarms change their state in one transaction. */
async function createTransitions({ db }: Rig): Promise<(size: number) => Promise<void>> {
  const commit: CommitEvaluations = createEvaluationCommit(db);
  const { rows: partitions } = await db.query<{ id: number; epoch: number }>('select id, epoch from partitions');
  const { rows } = await db.query<BenchAlarm>(
    'select id, partition, state_version as "stateVersion", state from alarms order by id',
  );
  let [next, atMs] = [0, START.getTime()];
  return async (size) => {
    const alarms = Array.from({ length: size }, (_, index) => rows[(next + index) % rows.length]!);
    next += size;
    atMs += 1_000;
    const touched = new Set(alarms.map(({ partition }) => partition));
    const { committed } = await commit({
      memberId: 'bench',
      partitions: partitions.filter(({ id }) => touched.has(id)),
      outcomes: alarms.map(({ id, partition, stateVersion, state }) => ({
        kind: 'transition',
        alarmId: id,
        partition,
        stateVersion,
        definitionVersion: 1,
        from: state,
        to: state === 'ok' ? 'alarm' : 'ok',
        reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 95.0',
        reasonData: { type: 'threshold', disposition: 'outside', count: 1, most_recent: 95 },
      })),
      at: new Date(atMs),
      now: new Date(atMs),
      mark: 'checkpoint',
      staleBefore: new Date(atMs - 60_000),
      defaultPolicy: 'current',
    });
    if (committed.length !== size) throw new Error(`${committed.length} of ${size} transitions were committed`);
    for (const alarm of alarms) {
      alarm.stateVersion += 1;
      alarm.state = alarm.state === 'ok' ? 'alarm' : 'ok';
    }
  };
}

async function measure(rig: Rig, commitTransitions: (size: number) => Promise<void>, under: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { size, count } of BATCHES) {
    for (let n = 0; n < count / 10; n += 1) await commitTransitions(size);
    // As autovacuum would, a little later.
    await rig.db.query('analyze alarms, alarm_history, notifications, notification_bodies');
    const [ownS, postgresS, fromMs] = [cpuSeconds(), cpuSecondsOf(rig.postgres.pid), performance.now()];
    for (let n = 0; n < count; n += 1) await commitTransitions(size);
    const perTransition = (seconds: number): number => (seconds / (size * count)) * 1e6;
    const name = `a transition with a webhook, ${size} in a transaction, ${under}`;
    figures.push(
      plain(`${name}: time`, perTransition((performance.now() - fromMs) / 1000), 'µs'),
      plain(`${name}: CPU of the evaluator`, perTransition(cpuSeconds() - ownS), 'µs'),
      plain(`${name}: CPU of PostgreSQL`, perTransition(cpuSecondsOf(rig.postgres.pid) - postgresS), 'µs'),
    );
  }
  return figures;
}

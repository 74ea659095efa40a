import type { TimeConstraint } from '../src/alarm/time-constraint/time-constraint.js';
import type { Database } from '../src/storage/database.js';
import { fill, START } from './cycle.js';
import { startBenchEvaluator, transitionsIn } from './evaluator-rig.js';
import { atMost, cpuSeconds, plain, type Figure } from './figure.js';

const ALARMS = 10_000;
/** The minimum of this many cycles counts, since other load on the machine can only add to it. */
const CYCLES = 5;
const ROUNDS = 2;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Lord_Howe', 'Africa/Cairo', ''] as const;

/** Constraints that are open at all times of the benchmark. Most alarms have a schedule that no other has. */
const MIXTURES: Record<string, ((n: number) => TimeConstraint[]) | undefined> = {
  'no time constraint': undefined,
  'one each, 16 hours a day': (n) => [daytime(n)],
  'one each, opening every minute': (n) => [constraint(n, '* * * * *', 60)],
  '20 each, the last of which is open': (n) => [
    ...Array.from({ length: 19 }, (_, index) => closed(n, index)),
    daytime(n),
  ],
};

/** Costs of time constraints in a cycle in which no alarm changes its state. */
export async function benchConstraints(db: Database): Promise<Figure[]> {
  const seconds = new Map<string, { first: number; steady: number }>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, mixture] of Object.entries(MIXTURES)) {
      const { first, steady } = await measure(db, mixture);
      const best = seconds.get(name) ?? { first, steady };
      seconds.set(name, { first: Math.min(first, best.first), steady: Math.min(steady, best.steady) });
    }
  }
  const without = seconds.get('no time constraint')?.steady ?? NaN;
  return [...seconds].flatMap(([name, { first, steady }]) => {
    const title = `cycle of ${ALARMS.toLocaleString('en')} alarms, ${name}`;
    return [
      plain(`${title}: evaluator CPU of the first`, first, 'CPU-seconds'),
      plain(`${title}: evaluator CPU, unchanged`, steady, 'CPU-seconds'),
      ...(steady === without ? [] : [atMost(`${title}: more than without`, (steady / without - 1) * 100, '%', 10)]),
    ];
  });
}

async function measure(
  db: Database,
  mixture: ((n: number) => TimeConstraint[]) | undefined,
): Promise<{ first: number; steady: number }> {
  await fill(db, ALARMS, mixture);
  const rig = startBenchEvaluator(db, { start: START });
  await rig.own();
  const first = await cpuOf(() => rig.interval());
  const changed = await transitionsIn(db);
  let steady = Infinity;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) steady = Math.min(steady, await cpuOf(() => rig.interval()));
  await rig.stop();
  if (changed !== ALARMS) throw new Error(`${changed} of ${ALARMS} alarms changed state in the first cycle`);
  return { first, steady };
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = cpuSeconds();
  await work();
  return cpuSeconds() - before;
}

/** A start between one and nine o'clock. */
function daytime(n: number): TimeConstraint {
  const minute = n % (8 * 60);
  const start = `${minute % 60} ${1 + Math.floor(minute / 60)} * * *`;
  return {
    ...constraint(n, start, 16 * 3_600 + Math.floor(n / (8 * 60))),
    timezone: n % 2 === 0 ? 'Europe/Berlin' : '',
  };
}

/** On one day of July. */
function closed(n: number, index: number): TimeConstraint {
  return { ...constraint(n + index, `${n % 60} ${index} ${(n % 31) + 1} 7 *`, 3_600), name: `closed ${index}` };
}

function constraint(n: number, start: string, duration: number): TimeConstraint {
  return { name: 'open', description: '', start, duration, timezone: ZONES[n % ZONES.length] ?? '' };
}

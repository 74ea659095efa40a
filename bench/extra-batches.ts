import { PHASES_PER_INTERVAL } from '../src/alarm/partition-key.js';
import { BackendUnavailable } from '../src/http/backend-unavailable.js';
import { startOverload, unmergeable } from '../test/support/overload-rig.js';
import { percentile, plain, type Figure } from './figure.js';

const INTERVAL_MS = 60_000;
const SWITCHES = [true, false];

const OUTAGE_ALARMS = 800;
const OUTAGE_INTERVALS = 5;
/** The moment of an interval at which the outage begins and ends; no alarm has this phase. */
const END_MS = INTERVAL_MS / 3;

/** Requests that the busy backend answers in a second. */
const A_SECOND = 26;
/** The part of these requests that the alarms need, each alarm one of its own. */
const LOAD = 0.75;
const BUSY_INTERVALS = 10;

/**
 * What batches between the scheduled ones buy, after an outage and on a busy backend. Runs on a fake clock, so the
 * figures are the same on every machine.
 */
export async function benchExtraBatches(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const hasExtraBatches of SWITCHES) figures.push(...(await outage(hasExtraBatches)));
  for (const phases of [1, PHASES_PER_INTERVAL])
    for (const hasExtraBatches of SWITCHES) figures.push(...(await busy(hasExtraBatches, phases)));
  return figures;
}

/**
 * Requests during an outage, and the time after it until alarms are evaluated. The alarms of a phase share a request.
 */
async function outage(hasExtraBatches: boolean): Promise<Figure[]> {
  const alarms = Array.from({ length: OUTAGE_ALARMS }, (_, n) => ({
    id: String(n),
    project: 'p',
    query: `load${n % PHASES_PER_INTERVAL}{n="${n}"}`,
    partition: n % PHASES_PER_INTERVAL,
  }));
  let requests = 0;
  let isDown = false;
  const takes = (): number => {
    requests += 1;
    if (isDown) throw new BackendUnavailable('connection refused');
    return 1;
  };
  const rig = await startOverload({ alarms, intervalMs: INTERVAL_MS, workers: 8, takes, hasExtraBatches });
  try {
    await rig.pass(INTERVAL_MS + END_MS);
    isDown = true;
    requests = 0;
    await rig.pass(OUTAGE_INTERVALS * INTERVAL_MS);
    const sent = requests / OUTAGE_INTERVALS;
    isDown = false;
    const endMs = rig.clock.now().getTime();
    await rig.pass(3 * INTERVAL_MS);
    const waits = alarms.map(
      ({ query }) => ((rig.asked.get(query)?.find((at) => at > endMs) ?? Infinity) - endMs) / 1000,
    );
    const name = `${OUTAGE_ALARMS} alarms in an outage, ${named(hasExtraBatches)}`;
    return [
      plain(`${name}: requests and probes an interval`, sent, 'requests'),
      plain('… evaluated after its end, median', percentile(waits, 0.5), 's'),
      plain('… the last', Math.max(...waits), 's'),
    ];
  } finally {
    await rig.stop();
  }
}

/** Evaluations of each alarm if all requests fit into the interval, but not into the scheduled batches. */
async function busy(hasExtraBatches: boolean, phases: number): Promise<Figure[]> {
  const count = Math.round((LOAD * A_SECOND * INTERVAL_MS) / 1000);
  const alarms = Array.from({ length: count }, (_, n) => ({
    id: String(n),
    project: 'p',
    query: unmergeable(n),
    partition: n % phases,
  }));
  const takes = (): number => 1000 / A_SECOND;
  const rig = await startOverload({ alarms, intervalMs: INTERVAL_MS, workers: 1, takes, hasExtraBatches });
  try {
    await rig.pass(INTERVAL_MS);
    rig.asked.clear();
    await rig.pass(BUSY_INTERVALS * INTERVAL_MS);
    const times = alarms.map(({ query }) => rig.asked.get(query)?.length ?? 0);
    const name =
      `${count} alarms in ${phases} of ${PHASES_PER_INTERVAL} phases on a backend that answers ${A_SECOND} a second, ` +
      named(hasExtraBatches);
    return [
      plain(`${name}: evaluations in ${BUSY_INTERVALS} intervals, fewest`, Math.min(...times), 'times'),
      plain('… median', percentile(times, 0.5), 'times'),
      plain('… most', Math.max(...times), 'times'),
    ];
  } finally {
    await rig.stop();
  }
}

function named(hasExtraBatches: boolean): string {
  return `extra_batches: ${hasExtraBatches}`;
}

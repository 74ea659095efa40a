import path from 'node:path';

import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { partitionOf, queryKeyOf, type Placement } from '../../src/alarm/partition-key.js';
import type { AlarmRule } from '../../src/alarm/types/index.js';
import { ensureDebianPackages } from '../../dev/servers/debian-packages.js';
import { PROMETHEUS } from '../../test/support/peer-programs.js';
import { percentile, plain, type Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { feed, measureCycles, withPrometheus, type Cycles, type CyclesOptions } from './prometheus.js';

/** Every way is measured this many times, in turn with the others, since the machine may be busy with other work. */
const ROUNDS = 3;
type Way = Pick<CyclesOptions, 'merging' | 'place'> & { name: string };

const DEFAULT: Way = { name: 'as it is by default' };
const BY_NAMES: Way = { name: 'select_all: false', merging: { selectAll: null } };
const SPREAD: Way = { name: 'without merge groups', place: placedByQuery };
const BY_NAMES_SPREAD: Way = { ...BY_NAMES, ...SPREAD, name: `${BY_NAMES.name}, ${SPREAD.name}` };
const ONE_BY_ONE: Way = { name: 'queries_per_request: 1', merging: { queriesPerRequest: 1 } };

/**
 * Few alarms need more cycles, since the CPU of Prometheus is counted in hundredths of a second. The cost of an alarm
 * with a request of its own does not depend on the number of alarms.
 */
const SIZES = [
  { alarms: 1_000, cycles: 10, ways: [DEFAULT, BY_NAMES, ONE_BY_ONE] },
  { alarms: 10_000, cycles: 5, ways: [DEFAULT, BY_NAMES, SPREAD, BY_NAMES_SPREAD] },
];
const WARM_UP = 4;

/** Costs of alarms with one series each on a real Prometheus, with each way of merging turned off. */
export async function benchMerging(rig: Rig): Promise<Figure[]> {
  const say = (line: string): void => console.error(line);
  await ensureDebianPackages([PROMETHEUS], { neededBy: 'the bench', environment: process.env, say });
  const figures: Figure[] = [];
  for (const size of SIZES) figures.push(...(await benchWays(rig, size)));
  return figures;
}

async function benchWays(rig: Rig, { alarms, cycles, ways }: (typeof SIZES)[number]): Promise<Figure[]> {
  return withPrometheus(path.join(rig.dir, `merging-${alarms}`), async (prometheus) => {
    const start = await feed(prometheus, alarms, WARM_UP + cycles);
    const measured = new Map(ways.map((way): [Way, Cycles[]] => [way, []]));
    for (let round = 0; round < ROUNDS; round += 1)
      for (const [{ name, ...way }, rounds] of measured) {
        const options = { ...way, start, alarms, series: alarms, warmUp: WARM_UP, cycles };
        rounds.push(await measureCycles(rig.db, prometheus, options));
        console.error(`${alarms} alarms, ${name}: ${JSON.stringify(rounds.at(-1))}`);
      }
    return [...measured].flatMap(([{ name }, rounds]) =>
      figuresOf(`${alarms.toLocaleString('en')} alarms, ${name}`, alarms, rounds),
    );
  });
}

function figuresOf(name: string, alarms: number, rounds: readonly Cycles[]): Figure[] {
  const each = (costOf: (cycles: Cycles) => number): number[] => rounds.map((round) => (costOf(round) / alarms) * 1e6);
  const both = each(({ evaluatorS, prometheusS }) => evaluatorS + prometheusS);
  return [
    plain(`${name}: requests a cycle`, median(rounds.map(({ requests }) => requests)), 'requests'),
    plain('… evaluator CPU per alarm, median', median(each(({ evaluatorS }) => evaluatorS)), 'µs'),
    plain('… Prometheus CPU per alarm, median', median(each(({ prometheusS }) => prometheusS)), 'µs'),
    plain('… CPU per alarm, both, median', median(both), 'µs'),
    plain('… least', Math.min(...both), 'µs'),
    plain('… most', Math.max(...both), 'µs'),
  ];
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Where an alarm would be if there were no merge groups: its phase follows from its query alone. */
function placedByQuery(rule: AlarmRule): Placement {
  const queryKey = queryKeyOf(rule, NO_OPTIONS, '');
  return { queryKey, partition: partitionOf(queryKey) };
}

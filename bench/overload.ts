import { startOverload, unmergeable } from '../test/support/overload-rig.js';
import { plain, type Figure } from './figure.js';

const INTERVAL_MS = 10_000;
const A_SECOND = 26;
const INTERVALS = 20;
const LOADS = [0.75, 1.5, 3];

/**
 * Alarms that cannot share requests, on a backend with a limited rate of answers: number of evaluations of each alarm.
 * Runs on a fake clock, so the figures are the same on every machine.
 */
export async function benchOverload(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of LOADS) figures.push(...(await timesAsked(load)));
  return figures;
}

async function timesAsked(load: number): Promise<Figure[]> {
  const count = Math.round((load * A_SECOND * INTERVAL_MS) / 1000);
  const alarms = Array.from({ length: count }, (_, n) => ({ id: String(n), project: 'p', query: unmergeable(n) }));
  const takes = (): number => 1000 / A_SECOND;
  const rig = await startOverload({ alarms, intervalMs: INTERVAL_MS, workers: 1, takes });
  try {
    await rig.pass(INTERVALS * INTERVAL_MS);
    const times = alarms.map(({ query }) => rig.asked.get(query)?.length ?? 0).sort((a, b) => a - b);
    const at = (part: number): number => times[Math.round(part * (times.length - 1))] as number;
    const name =
      `${load} times what fits (${count} queries, ${A_SECOND} a second), ` +
      `${INTERVALS} intervals of 10 s: requests per alarm`;
    return [
      plain(`${name}, least`, at(0), 'times'),
      plain('… median', at(0.5), 'times'),
      plain('… most', at(1), 'times'),
      plain(
        '… alarms that changed their state',
        rig.outcomes.filter(({ kind }) => kind === 'transition').length,
        'alarms',
      ),
    ];
  } finally {
    await rig.stop();
  }
}

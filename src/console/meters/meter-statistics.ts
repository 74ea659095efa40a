import type { operations } from '../../client/openapi-types.js';
import { bodyOf, client } from '../requests/client.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { PROJECT, type PageAddress } from '../shell/address.js';
import { serviceTime } from '../shell/clock.js';
import { choicesIn, periodFor, rangeOf, type SeriesGroup } from './meter-choices.js';
import { OWNERS, partsOf } from './meter-list.js';

type ChartQuery = NonNullable<operations['getStatistics']['parameters']['query']>;
export type GroupStatistics = operations['getStatistics']['responses'][200]['content']['application/json'][number];

/** Statistics of all periods and groups, and what was asked for. */
export interface ChartedStatistics {
  /** Differs for each choice that needs other statistics. */
  key: string;
  found: readonly GroupStatistics[];
  /** Seconds since 1970; multiples of the period. */
  start: number;
  stop: number;
  /** Seconds. */
  period: number;
  group: SeriesGroup | undefined;
}

/** A text that differs for each choice that needs other statistics. The statistic is not one: all are answered. */
export function statisticsKey(address: PageAddress, meter: string): string {
  const { statistic: _, ...choices } = choicesIn(address);
  return JSON.stringify([meter, choices, partsOf(address, [...OWNERS, 'resource_id', PROJECT])]);
}

/** Statistics of a meter as the address chooses them. `resources`: how many it has; undefined sends no request. */
export function useStatistics(
  address: PageAddress,
  meter: string,
  resources: number | undefined,
): Answer<ChartedStatistics> {
  const key = statisticsKey(address, meter);
  return useAnswer(resources === undefined ? undefined : key, async (signal) => {
    const { group, period: chosen, ...span } = choicesIn(address);
    const range = rangeOf(span, serviceTime());
    const period = periodFor(range, chosen, group === 'resource_id' ? (resources ?? 1) : 1);
    // Periods that begin at the same moments in each answer can be compared.
    const start = Math.floor(range.start / period) * period;
    const stop = Math.ceil(range.stop / period) * period;
    const query = { ...conditionsOf(address, { start, stop }), period, ...(group && { groupby: [group] }) };
    const found = await bodyOf(
      client.GET('/v2/meters/{meter}/statistics', { params: { path: { meter }, query }, signal }),
    );
    return { key, found, start, stop, period, group };
  });
}

function conditionsOf(address: PageAddress, { start, stop }: { start: number; stop: number }): ChartQuery {
  const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const conditions: (readonly [field: string, op: string, value: string])[] = [
    ['timestamp', 'ge', timeText(start)],
    ['timestamp', 'lt', timeText(stop)],
    ...Object.entries(partsOf(address, [...OWNERS, 'resource_id'])).map(
      ([field, value]) => [field, 'eq', value ?? ''] as const,
    ),
  ];
  return {
    'q.field': conditions.map(([field]) => field),
    'q.op': conditions.map(([, op]) => op),
    'q.value': conditions.map(([, , value]) => value),
  };
}

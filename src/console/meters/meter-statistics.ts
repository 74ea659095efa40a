import type { operations } from '../../client/openapi-types.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { PROJECT, type PageAddress } from '../shell/address.js';
import { serviceTime } from '../shell/clock.js';
import { choicesIn, isTooMany, periodFor, rangeOf, type SeriesGroup } from './meter-choices.js';
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

/** `groups`: infinite if there are more than the service counts. No period is then long enough. */
class TooManySeries extends Error {
  constructor(groups: number) {
    const period = groups === Infinity ? '' : ', or a longer period';
    super(`The meter has too many resources for one series each: choose one resource${period}.`);
  }
}

/** A text that differs for each choice that needs other statistics. The statistic is not one: all are answered. */
export function statisticsKey(address: PageAddress, meter: string): string {
  const { statistic: _, ...choices } = choicesIn(address);
  return JSON.stringify([meter, choices, partsOf(address, [...OWNERS, 'resource_id', PROJECT])]);
}

/**
 * Statistics of a meter as the address chooses them. `found`: the meter with the number of its resources; without it no
 * request is sent. Too many series are not requested: the service would refuse them after it has read the samples.
 */
export function useStatistics(
  address: PageAddress,
  meter: string,
  found: Pick<Schemas['ListedMeter'], 'resources' | 'is_complete'> | null | undefined,
): Answer<ChartedStatistics> {
  const key = statisticsKey(address, meter);
  return useAnswer(found ? key : undefined, async (signal) => {
    const { group, period: chosen, ...span } = choicesIn(address);
    const range = rangeOf(span, serviceTime());
    const groups = group === 'resource_id' && found ? (found.is_complete ? found.resources : Infinity) : 1;
    const period = periodFor(range, chosen, groups);
    // Periods that begin at the same moments in each answer can be compared.
    const start = Math.floor(range.start / period) * period;
    const stop = Math.ceil(range.stop / period) * period;
    if (isTooMany({ start, stop }, period, groups)) throw new TooManySeries(groups);
    const query = { ...conditionsOf(address, { start, stop }), period, ...(group && { groupby: [group] }) };
    const statistics = await bodyOf(
      client.GET('/v2/meters/{meter}/statistics', { params: { path: { meter }, query }, signal }),
    );
    return { key, found: statistics, start, stop, period, group };
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

import type { ChartData } from '../chart/chart-data.js';
import { timeOf } from '../elements/time.js';
import { STATISTICS, type ShownStatistic } from './meter-choices.js';
import type { ChartedStatistics, GroupStatistics } from './meter-statistics.js';

/** Most series of a chart: more cannot be told apart. */
const MOST_SERIES = 20;
const NO_GROUP = '(none)';

/** One group: its statistics by period, undefined where it has no sample. */
export interface MeterSeries {
  name: string;
  periods: readonly (GroupStatistics | undefined)[];
}

/** The series of a chart, and what is left out of it. */
export interface MeterChart {
  data: ChartData;
  series: readonly MeterSeries[];
  /** Groups with lower values, for which there is no room. */
  seriesNotShown: number;
  unit: string;
}

/** The chart of one statistic. Periods without samples are gaps. */
export function meterChart(
  { found, start, stop, period, group }: ChartedStatistics,
  statistic: ShownStatistic,
): MeterChart {
  const times = Array.from({ length: Math.round((stop - start) / period) }, (_, index) => start + index * period);
  const byName = new Map<string, (GroupStatistics | undefined)[]>();
  for (const one of found) {
    const name = group === undefined ? STATISTICS[statistic] : (one.groupby?.[group] ?? NO_GROUP);
    const periods = byName.get(name) ?? times.map(() => undefined);
    periods[Math.round((timeOf(one.period_start).getTime() / 1000 - start) / period)] = one;
    byName.set(name, periods);
  }
  const all = [...byName].map(([name, periods]) => ({ name, periods }));
  const series = shownOf(all, statistic);
  const values = series.map(({ name, periods }) => ({ name, values: periods.map((one) => one?.[statistic] ?? null) }));
  return {
    data: {
      times,
      series: values,
      missing: times.filter((_, index) => values.every((each) => each.values[index] === null)),
      lines: [],
      bands: [],
      transitions: [],
      from: start,
      to: stop,
    },
    series,
    seriesNotShown: all.length - series.length,
    unit: statistic === 'count' ? '' : (found.at(-1)?.unit ?? ''),
  };
}

/** The series with the highest mean of the statistic, by name. */
function shownOf(all: readonly MeterSeries[], statistic: ShownStatistic): MeterSeries[] {
  const meanOf = ({ periods }: MeterSeries): number => {
    const numbers = periods.flatMap((one) => one?.[statistic] ?? []);
    return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  };
  const highest = all
    .map((series) => ({ series, mean: meanOf(series) }))
    .sort((a, b) => b.mean - a.mean)
    .slice(0, MOST_SERIES)
    .map(({ series }) => series);
  return highest.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

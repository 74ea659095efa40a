import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';

import { ValuesChart } from '../chart/values-chart.js';
import { Empty, Failure, Waiting } from '../elements/notices.js';
import { countOf, numberText } from '../elements/numbers.js';
import type { Answer } from '../requests/use-answer.js';
import { Figures } from './figures.js';
import { GROUPS, periodText, STATISTICS, type ShownStatistic } from './meter-choices.js';
import { meterChart, type MeterChart } from './meter-series.js';
import type { ChartedStatistics } from './meter-statistics.js';

/** Statistics of a meter as a chart and as a table. `wanted`: the key of the statistics that the address chooses. */
export function ChartPanel({
  name,
  statistic,
  answer: { value, failure, again },
  wanted,
}: {
  name: string;
  statistic: ShownStatistic;
  answer: Answer<ChartedStatistics>;
  wanted: string;
}): JSX.Element {
  const isWanted = value?.key === wanted;
  return (
    <section class="panel" aria-label="Chart">
      {failure !== undefined && <Failure failure={failure} again={again} />}
      {!isWanted && failure === undefined && <Waiting what="statistics" />}
      {value !== undefined && isWanted && <Chart name={name} statistic={statistic} statistics={value} />}
    </section>
  );
}

function Chart({
  name,
  statistic,
  statistics,
}: {
  name: string;
  statistic: ShownStatistic;
  statistics: ChartedStatistics;
}): JSX.Element {
  const chart = useMemo(() => meterChart(statistics, statistic), [statistics, statistic]);
  if (statistics.stop <= statistics.start) return <Empty>The time range ends before it begins.</Empty>;
  if (chart.series.length === 0) return <Empty>There are no samples in this time.</Empty>;
  const { data, unit, seriesNotShown } = chart;
  return (
    <>
      <ValuesChart data={data} unit={unit} label={chartText(name, statistic, chart)} />
      <p class="key">
        <span>
          {STATISTICS[statistic]} of each {periodText(statistics.period)}, at its start; the last one may not be over
        </span>
        {statistics.group !== undefined && <span>one series for each {GROUPS[statistics.group]}</span>}
        {data.missing.length > 0 && <span>▮ below: no sample in {countOf(data.missing.length, 'period')}</span>}
        {seriesNotShown > 0 && (
          <span>
            the {chart.series.length} highest series; {seriesNotShown} are not shown
          </span>
        )}
      </p>
      <Figures chart={chart} statistic={statistic} />
    </>
  );
}

/** The chart in words. */
function chartText(name: string, statistic: ShownStatistic, { data, unit }: MeterChart): string {
  const numbers = data.series.flatMap(({ values }) => values.filter((value) => value !== null));
  const [low, high] = numbers.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
  const range = `from ${numberText(low)} to ${numberText(high)}${unit === '' ? '' : ` ${unit}`}`;
  return `${STATISTICS[statistic]} of ${name}: ${data.series.length} series ${range}. The table below has the figures.`;
}

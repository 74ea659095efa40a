import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { numberText } from '../elements/numbers.js';
import { Time } from '../elements/time.js';
import { STATISTICS, type ShownStatistic } from './meter-choices.js';
import type { MeterChart } from './meter-series.js';

/** The numbers of a chart as a table, newest first: of one series all statistics, of several the chosen one. */
export function Figures({ chart, statistic }: { chart: MeterChart; statistic: ShownStatistic }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Figures as a table</summary>
      {isOpen && <FigureTable chart={chart} statistic={statistic} />}
    </details>
  );
}

function FigureTable({ chart, statistic }: { chart: MeterChart; statistic: ShownStatistic }): JSX.Element {
  const columns = columnsOf(chart, statistic);
  const rows = chart.data.times.map((time, index) => ({ time, index })).reverse();
  return (
    <div class="scroll figures" tabIndex={0} role="region" aria-label="Figures">
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">Period from</th>
            {columns.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, index }) => (
            <tr key={time}>
              <th scope="row">
                <Time at={new Date(time * 1000).toISOString()} />
              </th>
              {columns.map(({ name, valueAt }) => (
                <td key={name} class="number">
                  {numberText(valueAt(index))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Column {
  name: string;
  valueAt: (index: number) => number | null;
}

function columnsOf({ data, series, unit }: MeterChart, statistic: ShownStatistic): Column[] {
  const [first] = series;
  const withUnit = (name: string): string => (unit === '' ? name : `${name} (${unit})`);
  if (first === undefined || series.length > 1)
    return data.series.map(({ name, values }) => ({
      name: withUnit(name),
      valueAt: (index) => values[index] ?? null,
    }));
  const names = Object.keys(STATISTICS) as ShownStatistic[];
  const chosenFirst = [statistic, ...names.filter((name) => name !== statistic)];
  return chosenFirst.map((name) => ({
    name: name === 'count' ? STATISTICS[name] : withUnit(STATISTICS[name]),
    valueAt: (index) => first.periods[index]?.[name] ?? null,
  }));
}

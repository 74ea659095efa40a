import { timeOf } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';

export type ShownValues = Schemas['AlarmValues'];

/** What a chart draws, in seconds since 1970 and with gaps as null. */
export interface ChartData {
  times: number[];
  series: { name: string; values: (number | null)[] }[];
  /** Moments at which some series has no value. */
  missing: number[];
  /** Thresholds and clear thresholds, each value once. */
  lines: { value: number; isClear: boolean }[];
  bands: { state: string; from: number; to: number }[];
  transitions: { at: number; to: string }[];
  from: number;
  to: number;
  /** When the alarm was created, if that was after `from`. The alarm missed nothing before. */
  createdAt?: number | undefined;
}

const secondsOf = (text: string): number => timeOf(text).getTime() / 1000;

/** The data of a chart. Infinite values are outside of it, so they are shown as missing. */
export function chartData(values: ShownValues): ChartData {
  const times = [...new Set(values.series.flatMap(({ points }) => points.map(({ at }) => secondsOf(at))))].sort(
    (a, b) => a - b,
  );
  const series = values.series.map((each, index) => {
    const byTime = new Map(each.points.map(({ at, value }) => [secondsOf(at), value]));
    return {
      name: seriesName(each, index, values.series.length),
      values: times.map((time) => {
        const value = byTime.get(time);
        return typeof value === 'number' ? value : null;
      }),
    };
  });
  const [from, to] = [secondsOf(values.start), secondsOf(values.stop)];
  // Not known for drafts and imported alarms.
  const created = values.created_at === null ? -Infinity : secondsOf(values.created_at);
  return {
    times,
    series,
    missing: times.filter((time, index) => time >= created && series.some((each) => each.values[index] === null)),
    lines: linesOf(values),
    bands: (values.states ?? []).flatMap(({ state, start, stop }) => {
      const band = { state, from: Math.max(secondsOf(start), created), to: secondsOf(stop) };
      return band.from < band.to ? [band] : [];
    }),
    transitions: (values.transitions ?? []).map(({ at, to }) => ({ at: secondsOf(at), to })),
    from,
    to,
    createdAt: created > from ? created : undefined,
  };
}

/** Empty for the only series without a name. */
function seriesName({ name, rule }: ShownValues['series'][number], index: number, count: number): string {
  return [rule, name].filter(Boolean).join(' ') || (count === 1 ? '' : `series ${index + 1}`);
}

function linesOf({ series }: ShownValues): ChartData['lines'] {
  const lines = new Map<string, ChartData['lines'][number]>();
  for (const { threshold, clear_threshold: clear } of series) {
    if (threshold !== null) lines.set(`${threshold}`, { value: threshold, isClear: false });
    if (clear !== null) lines.set(`clear ${clear}`, { value: clear, isClear: true });
  }
  return [...lines.values()];
}

import type { Point, Series } from '../../../alarm/series.js';

const across: Readonly<Record<string, (values: number[]) => number>> = {
  mean,
  median(values) {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : mean([sorted[middle - 1]!, sorted[middle]!]);
  },
  std: (values) => Math.sqrt(variance(values)),
  var: variance,
  min: (values) => values.reduce((least, value) => Math.min(least, value)),
  max: (values) => values.reduce((most, value) => Math.max(most, value)),
  sum,
  count: (values) => values.length,
};

const RATE = 'rate:';

/**
 * True if Gnocchi's `aggregate` operation has the method. Other methods of Gnocchi (`last`, `95pct`) are for single
 * metrics.
 */
export function canAggregate(method: string): boolean {
  return Object.hasOwn(across, storedMethod(method));
}

/** The method by which each series was stored. A rate is computed from the aggregate. */
export function storedMethod(method: string): string {
  return method.startsWith(RATE) ? method.slice(RATE.length) : method;
}

/** Results of Gnocchi's methods over no values. The other methods give no number then. */
const OF_NONE: Readonly<Record<string, number>> = { sum: 0, count: 0 };

/**
 * The result of Gnocchi's `["aggregate", method, …]` with `needed_overlap=0` for these series: at each time at which
 * one of them has a point, the method over those that have a value there. A rate is the difference to the time before,
 * so the first time has none.
 */
export function aggregated(series: readonly Series[], method: string): Series {
  const byTime = new Map<number, number[]>();
  for (const { at, values } of series.flat()) {
    const known = byTime.get(at) ?? [];
    const { value } = values;
    if (value !== undefined) known.push(value);
    byTime.set(at, known);
  }
  const stored = storedMethod(method);
  const points = [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([at, values]): Point => ({ at, values: computed(values, stored) }));
  return method.startsWith(RATE) ? differences(points) : points;
}

function computed(values: number[], method: string): Point['values'] {
  const value = values.length > 0 ? across[method]!(values) : OF_NONE[method];
  return value === undefined ? {} : { value };
}

/** NaN if one of the two values is missing. */
function differences(points: readonly Point[]): Point[] {
  return points
    .slice(1)
    .map(({ at, values }, index) => ({ at, values: { value: values['value']! - points[index]!.values['value']! } }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** Of the whole population. */
function variance(values: readonly number[]): number {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}

import { sanitised, type AcceptedWindow, type OnDrop } from '../../alarm/sanitise.js';
import { seriesLabels, type BackendAnswer, type Point, type Series, type SeriesLabels } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import type { SeriesRequest, Trace } from '../datasource.js';

/** The times that a query is evaluated at, in milliseconds. */
export interface QueryTimes {
  start: number;
  end: number;
  /** In seconds; 0 for one moment. */
  stepS: number;
}

const MAX_POINTS = 100_000;
/** Some servers know only whole seconds, and answer for the second of the requested moment. */
const ROUNDING_MS = 1_000;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** The times of a request whose window ends `lagS` before now. */
export function queryTimesOf(
  { granularityS, periods, lagS }: Omit<SeriesRequest<never>, 'queries'>,
  now: Date,
): QueryTimes {
  const end = now.getTime() - lagS * 1000;
  return { start: end - (periods - 1) * granularityS * 1000, end, stepS: granularityS };
}

/**
 * The series of one query from an answer, sanitised; those without a point in the window are left out. The entries may
 * have any form. `recorder` is for `explain`.
 */
export function seriesOf(
  entries: readonly unknown[],
  times: QueryTimes,
  { recorder, extraLabel }: { recorder?: SeriesRecorder; /** Not part of the answer. */ extraLabel?: string } = {},
): BackendAnswer {
  const single = entries.length === 1 && times.stepS === 0 ? singlePoint(entries[0], times.end) : undefined;
  if (single) {
    recorder?.series(entries[0]);
    return { kind: 'series', series: [[single]], labels: [metricOf(entries[0], extraLabel)] };
  }
  const window = acceptedWindow(times);
  const series: Series[] = [];
  const labels: unknown[] = [];
  let points = 0;
  for (const entry of entries) {
    const raw = times.stepS === 0 ? momentaryPoint(entry, times.end) : rangePoints(entry);
    points += raw.length;
    if (points > MAX_POINTS)
      return { kind: 'refused', reason: retrievalFailed(`the answer has more than ${MAX_POINTS} points`) };
    const usable = sanitised(raw, window, recorder && ((point) => recorder.dropped(point, entry)));
    if (usable.length === 0) continue;
    series.push(usable);
    labels.push(metricOf(entry, extraLabel));
    recorder?.series(entry);
  }
  return { kind: 'series', series, labels };
}

/** The labels as they were sent, without the one by which a merged answer is split if the query alone has it not. */
function metricOf(entry: unknown, extraLabel: string | undefined): unknown {
  const { metric } = fieldsOf(entry);
  if (extraLabel === undefined || typeof metric !== 'object' || metric === null) return metric;
  const { [extraLabel]: _, ...others } = metric as Record<string, unknown>;
  return others;
}

/** Records the series of one query in its trace. `entry` is a part of an answer, and may have any form. */
export class SeriesRecorder {
  /** Labels are only read for a trace, since evaluation does not need them. */
  readonly #labels = new Map<unknown, SeriesLabels>();

  constructor(
    private readonly key: string,
    private readonly trace: Trace,
  ) {}

  /** This entry became a series. */
  series(entry: unknown): void {
    this.trace.labelled?.({ key: this.key, labels: this.#labelsFor(entry) });
  }

  dropped(point: Parameters<OnDrop>[0], entry: unknown): void {
    this.trace.dropped({ key: this.key, ...point, labels: this.#labelsFor(entry) });
  }

  #labelsFor(entry: unknown): SeriesLabels {
    const labels = this.#labels.get(entry) ?? seriesLabels(fieldsOf(entry)['metric']);
    this.#labels.set(entry, labels);
    return labels;
  }
}

/**
 * A shortcut for nearly all answers: one series with a valid value. Undefined for all others, which are checked in
 * full.
 */
function singlePoint(entry: unknown, moment: number): Point | undefined {
  const pair = fieldsOf(entry)['value'];
  if (!Array.isArray(pair)) return undefined;
  const [seconds, text] = pair as unknown[];
  if (typeof seconds !== 'number' || Math.abs(seconds * 1000 - moment) >= ROUNDING_MS) return undefined;
  const value = numberOf(text);
  return typeof value === 'number' && !Number.isNaN(value) ? { at: moment, values: { value } } : undefined;
}

/** The value of a label of a series, empty if it does not have the label; undefined if the entry is not a series. */
export function labelOf(entry: unknown, label: string): string | undefined {
  const { metric } = fieldsOf(entry);
  if (typeof metric !== 'object' || metric === null) return undefined;
  const value = Object.hasOwn(metric, label) ? (metric as Record<string, unknown>)[label] : '';
  return typeof value === 'string' ? value : undefined;
}

/** Clocks may differ by a granularity. */
function acceptedWindow({ start, end, stepS }: QueryTimes): AcceptedWindow {
  return { from: start - stepS * 1000, to: end + stepS * 1000 };
}

interface RawPoint {
  at: number;
  value: unknown;
}

function momentaryPoint(entry: unknown, moment: number): readonly RawPoint[] {
  const point = rawPoint(fieldsOf(entry)['value']);
  if (Math.abs(point.at - moment) < ROUNDING_MS) point.at = moment;
  return [point];
}

const NO_VALUES: readonly RawPoint[] = [{ at: NaN, value: null }];

function rangePoints(entry: unknown): readonly RawPoint[] {
  const { values } = fieldsOf(entry);
  return Array.isArray(values) ? values.map(rawPoint) : NO_VALUES;
}

function rawPoint(pair: unknown): RawPoint {
  if (!Array.isArray(pair)) return { at: NaN, value: null };
  const [seconds, text] = pair as unknown[];
  return { at: typeof seconds === 'number' ? Math.round(seconds * 1000) : NaN, value: numberOf(text) };
}

/**
 * Values are strings, parsed as in Python: a number too large for a float is infinite. Other strings stay as they are.
 */
function numberOf(text: unknown): unknown {
  if (typeof text !== 'string') return text;
  if (DECIMAL.test(text)) return Number(text);
  const sign = INFINITE.exec(text)?.[1];
  if (sign === undefined) return text;
  return sign === '-' ? -Infinity : Infinity;
}

const NOTHING: Readonly<Record<string, unknown>> = {};

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : NOTHING;
}

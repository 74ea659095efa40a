import { AppError } from '../../errors.js';
import type { SeriesLabels } from '../../alarm/series.js';
import { seriesName } from '../explain/series-name.js';
import type { ComparedQuery, ComparedValue } from './compared-values.js';

/** Most points of one answer. */
export const MOST_POINTS = 11_000;
/** Most series of one query that are kept. */
const MOST_SERIES = 100;

/** What one series of an alarm was compared with, and its values over a time span. */
export interface ValueSeries extends ComparedQuery {
  /** The labels in which the series differ, as `explain` writes them; null if there are no labels. */
  name: string | null;
  labels: SeriesLabels | null;
  points: ValuePoint[];
}

/** A value that was compared at a moment. */
export interface ValuePoint {
  at: Date;
  /** The time of the datapoint; null if none was compared. */
  timestamp: Date | null;
  value: number | null;
}

/** All series of an alarm. */
export interface CollectedSeries {
  series: ValueSeries[];
  /** The most series of one moment that were left out. */
  seriesNotShown: number;
}

/** The moments of a span at which values can be compared. */
export interface PlannedMoments {
  moments: number;
  stepMs: number;
}

/**
 * @throws AppError if so many values are too many at each moment. The message has a step that is long enough.
 */
export function refuseManyPoints(valuesPerMoment: number, { moments, stepMs }: PlannedMoments): void {
  const points = valuesPerMoment * moments;
  if (points <= MOST_POINTS) return;
  const fitting = Math.floor(MOST_POINTS / valuesPerMoment);
  const advice =
    fitting < 2
      ? 'Name fewer series'
      : `Let step be at least ${Math.ceil(((moments - 1) * stepMs) / 1000 / (fitting - 1))}`;
  const message = `An answer has at most ${MOST_POINTS} points, and this would have ${points}.`;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute step. Value: '${stepMs / 1000}'. ${message} ${advice}, or take a shorter span.`,
    { field: ['step'] },
  );
}

interface KeptSeries {
  labels: SeriesLabels | null;
  /** By the index of the moment. */
  values: Map<number, ComparedValue>;
}

/** Collects the values of all moments. A series has a point at each moment, also before its first value. */
export class SeriesCollector {
  readonly #kept: Map<string, KeptSeries>[];
  readonly #moments: Date[] = [];
  #seriesNotShown = 0;

  constructor(
    private readonly queries: readonly ComparedQuery[],
    private readonly planned: PlannedMoments,
  ) {
    this.#kept = queries.map(({ need }) => {
      const hasLabels = need.datasource === 'prometheus';
      return new Map(hasLabels ? [] : [[keyOf(null), { labels: null, values: new Map() }]]);
    });
  }

  /** Adds a moment. `values`: one list for each query. @throws AppError if the series have too many points. */
  add(at: Date, values: readonly (readonly ComparedValue[])[]): void {
    const index = this.#moments.push(at) - 1;
    let leftOut = 0;
    for (const [query, some] of values.entries()) {
      for (const value of some) if (!this.#keep(query, index, value)) leftOut += 1;
    }
    this.#seriesNotShown = Math.max(this.#seriesNotShown, leftOut);
    refuseManyPoints(
      this.#kept.reduce((sum, { size }) => sum + size, 0),
      this.planned,
    );
  }

  /** The series of all queries. A query of Prometheus without any series has one without labels and values. */
  collected(): CollectedSeries {
    const series = this.queries.flatMap((query, index) => {
      const kept = [...this.#kept[index]!.values()];
      const nameOf = seriesName(kept.flatMap(({ labels }) => (labels === null ? [] : [labels])));
      const all: readonly KeptSeries[] = kept.length > 0 ? kept : [{ labels: null, values: new Map() }];
      return all.map(({ labels, values }) => ({
        ...query,
        name: labels && nameOf(labels),
        labels,
        points: this.#moments.map((at, moment) => pointAt(at, values.get(moment))),
      }));
    });
    return { series, seriesNotShown: this.#seriesNotShown };
  }

  #keep(query: number, moment: number, value: ComparedValue): boolean {
    const series = this.#kept[query]!;
    const key = keyOf(value.labels);
    let kept = series.get(key);
    if (kept === undefined) {
      if (series.size >= MOST_SERIES) return false;
      kept = { labels: value.labels, values: new Map() };
      series.set(key, kept);
    }
    kept.values.set(moment, value);
    return true;
  }
}

function keyOf(labels: SeriesLabels | null): string {
  return labels === null ? '' : JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pointAt(at: Date, value: ComparedValue | undefined): ValuePoint {
  return { at, timestamp: value?.timestamp ?? null, value: value?.value ?? null };
}

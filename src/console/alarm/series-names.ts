import type { Schemas } from '../requests/client.js';

type LabelledSeries = NonNullable<Schemas['Explanation']['questions'][number]['series']>;

/** Names of the series of a query, by their numbers: the labels in which they differ. */
export function seriesNames(series: LabelledSeries | null): Map<number, string> {
  const all = series ?? [];
  const differs = (label: string): boolean => new Set(all.map(({ labels }) => labels[label])).size > 1;
  return new Map(
    all.map(({ series: number, labels }) => {
      const told = Object.entries(labels).filter(([label]) => differs(label));
      return [number, told.map(([label, value]) => `${label}=${value}`).join(', ')];
    }),
  );
}

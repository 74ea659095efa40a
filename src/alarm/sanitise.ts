import type { Point, Series } from './series.js';

/** The first and last moment of accepted points, in milliseconds; both are accepted. */
export interface AcceptedWindow {
  from: number;
  to: number;
}

/** Why a point is not in a series, or has no value there. */
export type DropReason =
  'not a number' | 'outside the window' | 'replaced by a later point of the same time' | 'no timestamp';

/** Called for each point that is dropped or has no value. Only `explain` uses it. */
export type OnDrop = (point: { at: number | null; value: unknown; why: DropReason }) => void;

/** The values of a point without a number. It stays in the series, but cannot be compared. */
const NO_VALUE: Point['values'] = {};

/**
 * Turns the points of a backend's answer into a series. Points outside the window and points without a finite time are
 * dropped, and the others are sorted by time. Of points with the same time the last one is kept. A point whose value is
 * NaN, null or not a number stays without a value, so that no older point is judged in its place. An infinite value is
 * a value. `raw` is in the order of the answer.
 */
export function sanitised(
  raw: readonly { at: number; value: unknown }[],
  window: AcceptedWindow,
  onDrop?: OnDrop,
): Series {
  const points: Point[] = [];
  let isSorted = true;
  for (const { at, value } of raw) {
    const why = whyOutside(at, window);
    if (why !== undefined) {
      onDrop?.({ at: Number.isFinite(at) ? at : null, value, why });
      continue;
    }
    const newest = points.at(-1);
    if (newest !== undefined && newest.at >= at) isSorted = false;
    const isNumber = typeof value === 'number' && !Number.isNaN(value);
    if (!isNumber) onDrop?.({ at, value, why: 'not a number' });
    points.push({ at, values: isNumber ? { value } : NO_VALUE });
  }
  return isSorted ? points : sortedLastWins(points, onDrop);
}

function whyOutside(at: number, { from, to }: AcceptedWindow): DropReason | undefined {
  if (!Number.isFinite(at)) return 'no timestamp';
  return at < from || at > to ? 'outside the window' : undefined;
}

function sortedLastWins(points: readonly Point[], onDrop: OnDrop | undefined): Point[] {
  const byTime = new Map<number, Point>();
  for (const point of points) {
    const { value } = byTime.get(point.at)?.values ?? NO_VALUE;
    if (value !== undefined) onDrop?.({ at: point.at, value, why: 'replaced by a later point of the same time' });
    byTime.set(point.at, point);
  }
  return [...byTime.values()].sort((a, b) => a.at - b.at);
}

import type { Point, Series } from './series.js';

/** Between these moments a point is believed, in milliseconds; both included. */
export interface AcceptedWindow {
  from: number;
  to: number;
}

/** Why a point was left out of a series. */
export type DropReason =
  'not a number' | 'outside the window' | 'replaced by a later point of the same time' | 'no timestamp';

/** Called for each point that is dropped or has no value; used by `explain` only. */
export type OnDrop = (point: { at: number | null; value: unknown; why: DropReason }) => void;

/** The values of a point without a number: the point keeps its place, and cannot be compared. */
const NO_VALUE: Point['values'] = {};

/**
 * Makes a series that can be judged of the points of a backend's answer. Points outside the window are dropped, the
 * others sorted by time; of points with the same time the last one is kept. A point whose value is NaN, null or not a
 * number keeps its place without a value, so that no older point is judged instead. An infinite value is a value. `raw`
 * is in the order of the answer; points without a finite time are dropped.
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

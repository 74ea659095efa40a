import type { Point, Series } from './series.js';

/** Between these moments a point is believed, in milliseconds; both included. */
export interface Believable {
  from: number;
  to: number;
}

/** Why a point was left out of a series. */
export type DropReason = 'not a number' | 'outside the window' | 'replaced by a later point of the same time' | 'no timestamp';

/** Told of every point that is dropped or has no value; only those who explain an alarm listen. */
export type OnDrop = (point: { at: number | null; value: unknown; why: DropReason }) => void;

/** A point that a backend sent without a number: its place counts, and nothing can be compared there. */
const NO_VALUE: Point['values'] = {};

/**
 * A series that can be judged, from the points that a backend sent: those outside the window dropped, sorted by time,
 * of equal times the last one kept. A point whose value is NaN, null or no number keeps its place without a value, so
 * that no older point is judged in its stead; an infinite value is a value. `raw` is in the order of the answer; a time
 * that is not finite counts as none.
 */
export function sanitised(raw: readonly { at: number; value: unknown }[], window: Believable, onDrop?: OnDrop): Series {
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

function whyOutside(at: number, { from, to }: Believable): DropReason | undefined {
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

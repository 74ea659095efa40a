import type { Point, Series } from './series.js';

/** Between these moments a point is believed, in milliseconds; both included. */
export interface Believable {
  from: number;
  to: number;
}

/** Why a point was left out of a series. */
export type DropReason = 'not a number' | 'outside the window' | 'replaced by a later point of the same time' | 'no timestamp';

/** Told of every point that is dropped; only those who explain an alarm listen. */
export type OnDrop = (point: { at: number | null; value: unknown; why: DropReason }) => void;

/**
 * A series that can be judged, from what a backend sent: NaN, infinities, null and whatever is no number dropped, points outside the window
 * dropped, sorted by time, of equal times the last one kept. `raw` is in the order of the answer; a time that is not finite counts as none.
 */
export function sanitised(raw: readonly { at: number; value: unknown }[], { from, to }: Believable, onDrop?: OnDrop): Series {
  const points: Point[] = [];
  let isSorted = true;
  for (const { at, value } of raw) {
    const why = problemOf(at, value, { from, to });
    if (why !== undefined) {
      onDrop?.({ at: Number.isFinite(at) ? at : null, value, why });
      continue;
    }
    const newest = points.at(-1);
    if (newest !== undefined && newest.at >= at) isSorted = false;
    points.push({ at, values: { value: value as number } });
  }
  return isSorted ? points : sortedLastWins(points, onDrop);
}

function problemOf(at: number, value: unknown, { from, to }: Believable): DropReason | undefined {
  if (!Number.isFinite(at)) return 'no timestamp';
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'not a number';
  return at < from || at > to ? 'outside the window' : undefined;
}

function sortedLastWins(points: readonly Point[], onDrop: OnDrop | undefined): Point[] {
  const byTime = new Map<number, Point>();
  for (const point of points) {
    const replaced = byTime.get(point.at);
    if (replaced)
      onDrop?.({ at: replaced.at, value: replaced.values['value'], why: 'replaced by a later point of the same time' });
    byTime.set(point.at, point);
  }
  return [...byTime.values()].sort((a, b) => a.at - b.at);
}

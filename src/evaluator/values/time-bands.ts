/** A part of a time span over which something stays the same. */
export interface TimeBand<Value> {
  value: Value;
  start: Date;
  stop: Date;
}

/** Extends the last band to `stop`, or begins another if the value differs from it or if there is a gap. */
export function addToBands<Value>(
  bands: TimeBand<Value>[],
  value: Value,
  { at, until }: { at: Date; until: Date },
): void {
  const last = bands.at(-1);
  if (last?.value === value && last.stop.getTime() === at.getTime()) last.stop = until;
  else bands.push({ value, start: at, stop: until });
}

/**
 * A meter whose value jumps between 0 and 100 at known moments: what every alarm on it must do follows from this alone.
 */
export interface SquareWave {
  meter: string;
  /** Moments at which the value changes, and the value from then on. The first is where the wave begins. */
  edges: readonly { atMs: number; value: 0 | 100 }[];
}

export interface WaveOptions {
  meters: number;
  startMs: number;
  dwellMs: number;
  flips: number;
}

/** Waves that are out of step with each other, so that in every second some alarms change. */
export function squareWaves({ meters, startMs, dwellMs, flips }: WaveOptions): SquareWave[] {
  return Array.from({ length: meters }, (_, index) => {
    const phaseMs = Math.round((index / meters) * dwellMs);
    const first = { atMs: startMs, value: 0 as const };
    const rest = Array.from({ length: flips }, (__, flip) => ({
      atMs: startMs + phaseMs + (flip + 1) * dwellMs,
      value: flip % 2 === 0 ? (100 as const) : (0 as const),
    }));
    return { meter: `wave-${index}`, edges: [first, ...rest] };
  });
}

/** Samples of a wave, timestamped in advance, until `untilMs`. */
export function samplesOf({ meter, edges }: SquareWave, everyMs: number, untilMs: number): object[] {
  const samples = [];
  let edge = 0;
  for (let atMs = (edges[0] as { atMs: number }).atMs; atMs < untilMs; atMs += everyMs) {
    while ((edges[edge + 1]?.atMs ?? Infinity) <= atMs) edge += 1;
    samples.push({
      counter_name: meter,
      counter_type: 'gauge',
      counter_unit: '%',
      counter_volume: edges[edge]?.value,
      resource_id: meter,
      timestamp: new Date(atMs).toISOString(),
    });
  }
  return samples;
}

/** The states that an alarm "above 50" on this meter must go through, the initial one left out. */
export function expectedStates({ edges }: SquareWave): string[] {
  return edges.map(({ value }) => (value > 50 ? 'alarm' : 'ok'));
}

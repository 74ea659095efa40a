import { randomInt } from 'node:crypto';

/** Random moments that a seed repeats. */
export interface Moments {
  seed: number;
  /** A number from 0 up to `most`. */
  next: (most: number) => number;
}

const PRIME = 2 ** 31 - 1;

/** Moments of a new seed, or of the one in KILL_SEED. */
export function randomMoments(seed = Number(process.env['KILL_SEED'] ?? randomInt(1, PRIME))): Moments {
  let state = seed;
  const next = (most: number): number => {
    state = (state * 48_271) % PRIME; // Park and Miller
    return (state / PRIME) * most;
  };
  return { seed, next };
}

/** Runs a test, and says with which seed it failed. */
export async function withSeed({ seed }: Moments, test: () => Promise<void>): Promise<void> {
  try {
    await test();
  } catch (thrown) {
    process.stderr.write(`The kills were at the moments of seed ${seed}: KILL_SEED=${seed} repeats them.\n`);
    throw thrown;
  }
}

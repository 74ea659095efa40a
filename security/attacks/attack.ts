import type { Tenant } from './tenant.js';

/** One way in which a project could keep others waiting. */
export interface Attack {
  /** The subject of the sentence `<name> keep no one waiting`. */
  name: string;
  /**
   * The longest time that a list may take, for attacks by long transactions that cannot be divided: the embedded
   * database executes nothing else meanwhile. Without it, the 95th percentile is compared with that without the attack.
   */
  longestListMs?: number;
  /** Stores the data that the attack needs, before it begins. */
  prepare?(attacker: Tenant): Promise<void>;
  /** Attacks until the signal is aborted. */
  run(attacker: Tenant, signal: AbortSignal): Promise<void>;
}

/** Repeats work in several loops at once until the signal is aborted. */
export async function repeat(
  loops: number,
  signal: AbortSignal,
  work: (round: number, loop: number) => Promise<unknown>,
): Promise<void> {
  const oneLoop = async (loop: number): Promise<void> => {
    for (let round = 0; !signal.aborted; round++) await work(round, loop);
  };
  await Promise.all(Array.from({ length: loops }, (_, loop) => oneLoop(loop)));
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What the records of a run say about one guarantee. Printed as one line of JSON. */
export interface Verdict {
  guarantee: string;
  /** `inconclusive`: the machine was too slow, or a fault took no effect, so that the run proves nothing. */
  verdict: 'held' | 'broken' | 'inconclusive';
  /** What was counted. */
  counts: Readonly<Record<string, number>>;
  /** Texts for people: what broke it, or why nothing was proved. */
  problems: readonly string[];
}

/** Problems of one guarantee. `late` are those that a slow machine can cause, too. */
export interface Problems {
  absolute: readonly string[];
  late?: readonly string[];
  /** True if the machine was too slow for bounds of time. */
  isMachineSlow?: boolean;
}

/** The verdict on a guarantee. */
export function verdictOf(
  guarantee: string,
  counts: Readonly<Record<string, number>>,
  { absolute, late = [], isMachineSlow = false }: Problems,
): Verdict {
  const isBroken = absolute.length > 0 || (late.length > 0 && !isMachineSlow);
  const verdict = isBroken ? 'broken' : late.length > 0 ? 'inconclusive' : 'held';
  return { guarantee, verdict, counts, problems: [...absolute, ...late] };
}

/** Groups by a key, each group in the order of the list. */
export function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [one]);
    else known.push(one);
  }
  return groups;
}

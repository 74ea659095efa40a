/** One line of the report: what was tried, how often, and what went wrong. */
export interface Finding {
  /** As a sentence that is true if there are no faults, or the name of what is counted. */
  claim: string;
  /** The number of tries, or all counts as text. */
  tried: number | string;
  /** Texts for people; none is expected. */
  faults: readonly string[];
}

const SHOWN = 20;

/** The text of a finding: one line, and a line for each of the first faults. */
export function textOf({ claim, tried, faults }: Finding): string {
  const counts = typeof tried === 'string' ? tried : `${tried} tried, ${faults.length} faults`;
  const head = `${faults.length === 0 ? 'ok  ' : 'FAIL'} ${claim}: ${counts}`;
  return [head, ...faults.slice(0, SHOWN).map((fault) => `       ${fault}`)].join('\n');
}

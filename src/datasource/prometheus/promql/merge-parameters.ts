import { mergingEdits } from './mergeable.js';
import { parsePromql, type ParsedQuery } from './parse.js';
import { rewritten } from './rewrite.js';
import { selectorsOf, type Matcher } from './selectors.js';
import { hasHalfCharacter } from './string-literal.js';

/**
 * A place where a query can be merged with others: its selectors hold `label` to `value`. Queries whose holes have
 * equal templates can be asked in one, and each finds its answer in the series that carry its value: the same values,
 * under the same labels but for this one.
 */
export interface Hole {
  label: string;
  value: string;
  /** The query, canonically spelled, with a mark in the place of every such matcher's value. */
  template: string;
}

/** No query has it in its canonical spelling: outside strings it is refused, inside it is escaped. */
export const MARK = '\0';

const NONE: readonly Hole[] = [];

/**
 * Where a query can be merged, in the order of its matchers; nowhere, if it cannot be read or its answer might change.
 */
export function foundHoles(promql: string): readonly Hole[] {
  const query = parsePromql(promql);
  if ('problem' in query) return NONE;
  const [first, ...others] = selectorsOf(query).map(({ matchers }) => matchers);
  if (!first) return NONE;
  const holes: Hole[] = [];
  for (const matcher of first) {
    const { label } = matcher;
    if (holes.some((hole) => hole.label === label) || !isHoleIn(first, matcher)) continue;
    if (!others.every((matchers) => isHoleIn(matchers, matcher))) continue;
    const template = templateOf(query, label, [first, ...others].flat());
    if (template !== undefined) holes.push({ label, value: matcher.value, template });
  }
  return holes.length > 0 ? holes : NONE;
}

/** Whether a selector holds the label to that value, and says nothing else of it. */
function isHoleIn(matchers: readonly Matcher[], { label, value }: Matcher): boolean {
  if (label === '__name__' || value === '' || hasHalfCharacter(value)) return false;
  const ofLabel = matchers.filter((each) => each.label === label);
  return ofLabel.length > 0 && ofLabel.every((each) => each.operator === '=' && each.value === value);
}

function templateOf(query: ParsedQuery, label: string, matchers: readonly Matcher[]): string | undefined {
  const edits = mergingEdits(query, label);
  if (!edits) return undefined;
  const holes = matchers.filter((matcher) => matcher.label === label);
  return rewritten(query, [...edits, ...holes.map(({ from, to }) => ({ from, to, text: `=~${MARK}` }))]);
}

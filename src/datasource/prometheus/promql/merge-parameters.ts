import { mergingEdits } from './mergeable.js';
import { parsePromql, type ParsedQuery } from './parse.js';
import { rewritten } from './rewrite.js';
import { selectorsOf, type Matcher } from './selectors.js';
import { hasHalfCharacter } from './string-literal.js';

/**
 * A place where a query can be merged with others: its selectors hold `label` to `value`. Queries whose parameters have
 * equal templates can be asked in one, and each finds its answer in the series that carry its value: the same values,
 * under the same labels but for this one.
 */
export interface MergeParameter {
  label: string;
  value: string;
  /** The query, canonically spelled, with a mark in the place of every such matcher's value. */
  template: string;
}

/** No query has it in its canonical spelling: outside strings it is refused, inside it is escaped. */
export const PLACEHOLDER = '\0';

const NO_PARAMETERS: readonly MergeParameter[] = [];

/**
 * Where a query can be merged, in the order of its matchers; nowhere, if it cannot be read or its answer might change.
 */
export function findMergeParameters(promql: string): readonly MergeParameter[] {
  const query = parsePromql(promql);
  if ('problem' in query) return NO_PARAMETERS;
  const [first, ...others] = selectorsOf(query).map(({ matchers }) => matchers);
  if (!first) return NO_PARAMETERS;
  const parameters: MergeParameter[] = [];
  for (const matcher of first) {
    const { label } = matcher;
    if (parameters.some((parameter) => parameter.label === label) || !isParameterOf(first, matcher)) continue;
    if (!others.every((matchers) => isParameterOf(matchers, matcher))) continue;
    const template = templateOf(query, label, [first, ...others].flat());
    if (template !== undefined) parameters.push({ label, value: matcher.value, template });
  }
  return parameters.length > 0 ? parameters : NO_PARAMETERS;
}

/** Whether a selector holds the label to that value, and says nothing else of it. */
function isParameterOf(matchers: readonly Matcher[], { label, value }: Matcher): boolean {
  if (label === '__name__' || value === '' || hasHalfCharacter(value)) return false;
  const ofLabel = matchers.filter((each) => each.label === label);
  return ofLabel.length > 0 && ofLabel.every((each) => each.operator === '=' && each.value === value);
}

function templateOf(query: ParsedQuery, label: string, matchers: readonly Matcher[]): string | undefined {
  const edits = mergingEdits(query, label);
  if (!edits) return undefined;
  const parameters = matchers.filter((matcher) => matcher.label === label);
  return rewritten(query, [...edits, ...parameters.map(({ from, to }) => ({ from, to, text: `=~${PLACEHOLDER}` }))]);
}

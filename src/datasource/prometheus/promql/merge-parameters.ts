import { mergingEdits } from './mergeable.js';
import { parsePromql, type ParsedQuery } from './parse.js';
import { rewritten } from './rewrite.js';
import { selectorsOf, type Matcher } from './selectors.js';
import { hasHalfCharacter } from './string-literal.js';

/**
 * A merge parameter of a query: a label that all its selectors require to equal `value`. Queries whose parameters have
 * equal templates can be merged into one. The answer to each is then the series with its value: the same values and
 * labels, but for this label.
 */
export interface MergeParameter {
  label: string;
  value: string;
  /** The query in canonical spelling, with a mark for the value of every such matcher. */
  template: string;
  /** The answer to the query alone does not have the label. */
  isLabelAdded: boolean;
}

/** No query has it in its canonical spelling: outside strings it is refused, inside it is escaped. */
export const PLACEHOLDER = '\0';

const NO_PARAMETERS: readonly MergeParameter[] = [];

/**
 * The merge parameters of a query, in the order of its matchers. None if it cannot be parsed, or if merging might
 * change its answer.
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
    const found = templateOf(query, label, [first, ...others].flat());
    if (found !== undefined) parameters.push({ label, value: matcher.value, ...found });
  }
  return parameters.length > 0 ? parameters : NO_PARAMETERS;
}

/** True if the selector requires the label to equal that value, and has no other condition on it. */
function isParameterOf(matchers: readonly Matcher[], { label, value }: Matcher): boolean {
  if (label === '__name__' || value === '' || hasHalfCharacter(value)) return false;
  const ofLabel = matchers.filter((each) => each.label === label);
  return ofLabel.length > 0 && ofLabel.every((each) => each.operator === '=' && each.value === value);
}

function templateOf(
  query: ParsedQuery,
  label: string,
  matchers: readonly Matcher[],
): Pick<MergeParameter, 'template' | 'isLabelAdded'> | undefined {
  const merging = mergingEdits(query, label);
  if (!merging) return undefined;
  const parameters = matchers.filter((matcher) => matcher.label === label);
  const marks = parameters.map(({ from, to }) => ({ from, to, text: `=~${PLACEHOLDER}` }));
  const template = rewritten(query, [...merging.edits, ...marks]);
  return template === undefined ? undefined : { template, isLabelAdded: merging.isLabelAdded };
}

import type { SyntaxNode } from '@lezer/common';

import { createScanResistantCache } from '../../../cache/scan-resistant-cache.js';
import { parsePromql, partsOf, type ParsedQuery } from './parse.js';
import { rewritten, type Edit } from './rewrite.js';
import { selectorsOf, type Selector } from './selectors.js';
import { hasHalfCharacter, labelText, quoted } from './string-literal.js';
import { where } from './syntax-problem.js';

/** The limited query, or the reason why it cannot be limited. */
export type EnforcedQuery = { promql: string } | { problem: string };

const MAX_CACHED_CHARACTERS = 16 * 1024 * 1024;

/** By label, value and query. */
const enforced = createScanResistantCache<EnforcedQuery>(MAX_CACHED_CHARACTERS);

/**
 * The query limited to the series that have a label value: every selector has the matcher, besides its own. A query
 * that cannot be parsed, or that may read series in another way than through its selectors, is refused with a problem
 * that users may read. Cached.
 */
export function withEnforcedLabel(promql: string, label: string, value: string): EnforcedQuery {
  const key = `${label}\0${value}\0${promql}`;
  return enforced.get(key) ?? enforced.put(key, narrowed(promql, label, value), key.length + promql.length);
}

function narrowed(promql: string, label: string, value: string): EnforcedQuery {
  if (!isEnforceable(label, value))
    return { problem: 'the query cannot be narrowed to its project: the project has no usable name' };
  const query = parsePromql(promql);
  if ('problem' in query) return query;
  const problem = unsafeProblem(query);
  if (problem !== undefined) return { problem };

  const selectors = selectorsOf(query);
  const matcher = `${labelText(label)}=${quoted(value)}`;
  const result = rewritten(
    query,
    selectors.map((selector) => insertion(promql, selector.node, matcher)),
  );
  if (result === undefined)
    return { problem: 'the query has a character outside its strings that PromQL has no place for' };
  return isEnforcedEverywhere(result, { label, value, selectors: selectors.length })
    ? { promql: result }
    : { problem: 'the query could not be narrowed to its project' };
}

/** An empty value would match the series without the label, which belong to no project. */
function isEnforceable(label: string, value: string): boolean {
  return value !== '' && label !== '' && !label.startsWith('__') && !hasHalfCharacter(label + value);
}

function insertion(text: string, selector: SyntaxNode, matcher: string): Edit {
  const braces = selector.getChild('LabelMatchers');
  if (!braces) return at(selector.to, `{${matcher}}`);
  const last = partsOf(braces).at(-1);
  return last ? at(last.to, `,${matcher}`) : at(text.indexOf('{', braces.from) + 1, matcher);
}

function at(position: number, text: string): Edit {
  return { from: position, to: position, text };
}

/** The final check: the text to be sent is parsed again. */
function isEnforcedEverywhere(
  result: string,
  { label, value, selectors }: { label: string; value: string; selectors: number },
): boolean {
  const query = parsePromql(result);
  if ('problem' in query) return false;
  const found = selectorsOf(query);
  return found.length === selectors && found.every((selector) => hasMatcher(selector, label, value));
}

function hasMatcher({ matchers }: Selector, label: string, value: string): boolean {
  return matchers.some((each) => each.label === label && each.operator === '=' && each.value === value);
}

/** Syntax that reads series through its selectors and in no other way, on every server that accepts it. */
const KNOWN_PARTS = new Set(
  `PromQL LineComment StringLiteral NumberDurationLiteral ParenExpr UnaryExpr UnaryOp BinaryExpr BoolModifier Bool
  MatchingModifierClause On Ignoring GroupLeft GroupRight GroupingLabels LabelName QuotedLabelName
  Pow Mul Div Mod Atan2 Add Sub Eql Neq Gte Gtr Lte Lss And Or Unless
  AggregateExpr AggregateOp AggregateModifier By Without FunctionCall FunctionIdentifier FunctionCallBody
  VectorSelector Identifier LabelMatchers UnquotedLabelMatcher QuotedLabelMatcher MatchOp EqlSingle EqlRegex NeqRegex
  MatrixSelector SubqueryExpr DurationExpr NumberDurationLiteralInDurationContext OffsetExpr Offset OffsetDurationExpr
  StepInvariantExpr At AtModifierPreprocessors AtStart AtEnd inf nan`.split(/\s+/),
);

/**
 * `info` reads series that no selector names; the others depend on the request or are too new to mean the same
 * everywhere.
 */
const REFUSED_FUNCTIONS = new Set(['Info', 'Range', 'Step', 'StartFn', 'EndFn']);

/** Names of labels that belong to servers. Some servers take a whole query from such a label, past all selectors. */
const SERVERS_OWN = /^__/;
const KNOWN_OF_SERVERS = new Set(['__name__', '__type__', '__unit__']);

function unsafeProblem(query: ParsedQuery): string | undefined {
  let problem: string | undefined;
  query.root.cursor().iterate((ref) => {
    if (problem !== undefined) return false;
    if (isKnown(ref.node)) return true;
    const written = JSON.stringify(query.text.slice(ref.from, Math.min(ref.to, ref.from + 40)));
    problem =
      `${where(query.text, ref.from)}: ${written} cannot be used, because it is ` +
      `not known to keep to the project's series`;
    return false;
  });
  return problem ?? foreignLabelProblem(query);
}

function isKnown(node: SyntaxNode): boolean {
  const within = node.name === 'LineComment' ? undefined : node.parent?.name;
  if (within === 'FunctionIdentifier') return !REFUSED_FUNCTIONS.has(node.name);
  if (within === 'AggregateOp') return true;
  // Arithmetic on durations is too new, so a range must be one number.
  if (node.name === 'DurationExpr')
    return node.firstChild?.name === 'NumberDurationLiteralInDurationContext' && within !== 'DurationExpr';
  return KNOWN_PARTS.has(node.name);
}

function foreignLabelProblem(query: ParsedQuery): string | undefined {
  for (const { node, matchers } of selectorsOf(query)) {
    const foreign = matchers.find(({ label }) => SERVERS_OWN.test(label) && !KNOWN_OF_SERVERS.has(label));
    if (foreign)
      return (
        `${where(query.text, node.from)}: the label ${JSON.stringify(foreign.label)} cannot be used, ` +
        `because names that begin with "__" belong to servers`
      );
  }
  return undefined;
}

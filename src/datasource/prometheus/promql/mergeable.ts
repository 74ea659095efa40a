import type { SyntaxNode } from '@lezer/common';

import { partsOf, type ParsedQuery } from './parse.js';
import type { Edit } from './rewrite.js';
import { nameOf } from './selectors.js';
import { labelText } from './string-literal.js';

/**
 * The kind of result of a part of a query. `labelled`: the series of the query as written still have the label; those
 * of the merged query always have it.
 */
interface ResultShape {
  kind: 'scalar' | 'vector' | 'matrix';
  labelled: boolean;
}

/** A query and a label that all its selectors require to equal one value. */
interface MergeContext {
  query: ParsedQuery;
  label: string;
  /** The changes that make every series of every part keep the label. */
  edits: Edit[];
}

type ShapeRule = (parts: readonly SyntaxNode[], view: MergeContext) => ResultShape | null;

const SCALAR: ResultShape = { kind: 'scalar', labelled: false };

/**
 * The edits that make a query keep `label` in its answer, and whether the query as written answers without it; null if
 * merging might change the answer. Only for queries in which every selector requires the label to equal the same value.
 *
 * Why merging keeps the answer: let the matchers accept several values instead. Then of every part of the query, the
 * series with one value are those that the part yields for that value alone, the label itself apart. This is true for
 * selectors, and each rule here carries it one step up.
 */
export function mergingEdits(query: ParsedQuery, label: string): { edits: Edit[]; isLabelAdded: boolean } | null {
  const view: MergeContext = { query, label, edits: [] };
  const [whole] = partsOf(query.root);
  const shape = whole && resultShapeOf(whole, view);
  return shape?.kind === 'vector' ? { edits: view.edits, isLabelAdded: !shape.labelled } : null;
}

const SHAPE_RULES: Readonly<Record<string, ShapeRule>> = {
  NumberDurationLiteral: () => SCALAR,
  VectorSelector: () => ({ kind: 'vector', labelled: true }),
  ParenExpr: first,
  OffsetExpr: first,
  StepInvariantExpr: first,
  UnaryExpr: ([, operand], view) => (operand ? resultShapeOf(operand, view) : null),
  MatrixSelector: range,
  SubqueryExpr: range,
  FunctionCall: functionCall,
  AggregateExpr: aggregation,
  BinaryExpr: binary,
};

function resultShapeOf(node: SyntaxNode, view: MergeContext): ResultShape | null {
  return SHAPE_RULES[node.name]?.(partsOf(node), view) ?? null;
}

function first([operand]: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  return operand ? resultShapeOf(operand, view) : null;
}

function range(parts: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  const of = first(parts, view);
  return of?.kind === 'vector' ? { ...of, kind: 'matrix' } : null;
}

/** Functions that make one series of each series, with the same labels but the metric's name. */
const PER_SERIES = new Set(
  `Abs Acos Acosh Asin Asinh Atan Atanh AvgOverTime Ceil Changes Clamp ClampMax ClampMin Cos Cosh CountOverTime
  DaysInMonth DayOfMonth DayOfWeek DayOfYear Deg Delta Deriv Exp FirstOverTime Floor HistogramCount
  HistogramStdDev HistogramStdVar HistogramSum HistogramAvg DoubleExponentialSmoothing Hour Idelta Increase
  Irate LastOverTime Ln Log10 Log2 MadOverTime MaxOverTime MinOverTime TsOfFirstOverTime TsOfMaxOverTime
  TsOfMinOverTime TsOfLastOverTime Minute Month PredictLinear PresentOverTime QuantileOverTime Rad Rate Resets
  Round Sgn Sin Sinh Sqrt StddevOverTime StdvarOverTime SumOverTime Tan Tanh Timestamp Year`.split(/\s+/),
);

/** Functions that make one series of those that differ only in `le`. */
const PER_HISTOGRAM = new Set(['HistogramQuantile', 'HistogramFraction']);

/** Functions that read no series. */
const CONSTANTS = new Set(['Time', 'Pi']);

function functionCall([identifier, body]: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  const name = identifier?.firstChild?.name;
  if (name === undefined || !body) return null;
  const yields = partsOf(body).map((argument) => resultShapeOf(argument, view));
  if (CONSTANTS.has(name)) return yields.length === 0 ? SCALAR : null;
  if (!PER_SERIES.has(name) && !(PER_HISTOGRAM.has(name) && view.label !== 'le')) return null;

  const series = yields.filter((each) => each?.kind !== 'scalar');
  const [of] = series;
  return series.length === 1 && of ? { kind: 'vector', labelled: of.labelled } : null;
}

/** Aggregations that make one value of each group, of any number of series. */
const PER_GROUP = new Set(['Avg', 'Count', 'Group', 'Max', 'Min', 'Quantile', 'Stddev', 'Stdvar', 'Sum']);

function aggregation(parts: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  const [operator, modifier, body] = ['AggregateOp', 'AggregateModifier', 'FunctionCallBody'].map((name) =>
    parts.find((part) => part.name === name),
  );
  const of = body && aggregated(operator?.firstChild?.name ?? '', partsOf(body), view);
  if (!of || !operator) return null;
  if (modifier) return grouped(modifier, of, view);
  view.edits.push({ from: operator.to, to: operator.to, text: ` by (${labelText(view.label)}) ` });
  return { kind: 'vector', labelled: false };
}

/**
 * The result of the aggregated expression. A quantile's parameter comes first, and must be a scalar, the same for all
 * groups.
 */
function aggregated(operator: string, given: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  if (!PER_GROUP.has(operator) || given.length !== (operator === 'Quantile' ? 2 : 1)) return null;
  const [of, parameter = SCALAR] = given.map((argument) => resultShapeOf(argument, view)).reverse();
  return of?.kind === 'vector' && parameter?.kind === 'scalar' ? of : null;
}

function grouped(modifier: SyntaxNode, of: ResultShape, { query, label, edits }: MergeContext): ResultShape | null {
  const [keyword, list] = partsOf(modifier);
  if (!keyword || !list) return null;
  const names = partsOf(list);
  const isNamed = names.some((each) => nameOf(query.text, each) === label);
  if (keyword.name === 'Without') return isNamed ? null : of;
  if (isNamed) return of;
  const last = names.at(-1);
  edits.push(
    last
      ? { from: last.to, to: last.to, text: `, ${labelText(label)}` }
      : { from: list.from, to: list.to, text: `(${labelText(label)})` },
  );
  return { kind: 'vector', labelled: false };
}

const ARITHMETIC_AND_COMPARISONS = [
  'Pow',
  'Mul',
  'Div',
  'Mod',
  'Atan2',
  'Add',
  'Sub',
  'Eql',
  'Neq',
  'Gte',
  'Gtr',
  'Lte',
  'Lss',
];
const SET_OPERATORS = ['And', 'Or', 'Unless'];
const OPERATORS = new Set([...ARITHMETIC_AND_COMPARISONS, ...SET_OPERATORS]);
const OPERATOR_PARTS = new Set(['BoolModifier', 'MatchingModifierClause']);

function binary(parts: readonly SyntaxNode[], view: MergeContext): ResultShape | null {
  const [left, operator] = parts;
  const right = parts.at(-1);
  const modifiers = parts.slice(2, -1);
  if (!left || !operator || !right || !OPERATORS.has(operator.name)) return null;
  if (modifiers.some(({ name }) => !OPERATOR_PARTS.has(name))) return null;
  const clause = modifiers.find(({ name }) => name === 'MatchingModifierClause');
  return matchesWithinValues(clause, view) ? combined(resultShapeOf(left, view), resultShapeOf(right, view)) : null;
}

function combined(a: ResultShape | null, b: ResultShape | null): ResultShape | null {
  if (!a || !b || a.kind === 'matrix' || b.kind === 'matrix') return null;
  if (a.kind === 'scalar') return b;
  if (b.kind === 'scalar') return a;
  // With the label on one side only, the query as written matches other series than the merged one.
  return a.labelled === b.labelled ? a : null;
}

/** True if series are matched only with series of the same value of the label. Many-to-one matching is not merged. */
function matchesWithinValues(clause: SyntaxNode | undefined, { query, label }: MergeContext): boolean {
  if (!clause) return true;
  const [keyword, list, grouping] = partsOf(clause);
  if (!keyword || !list || grouping) return false;
  const isNamed = partsOf(list).some((each) => nameOf(query.text, each) === label);
  return isNamed === (keyword.name === 'On');
}

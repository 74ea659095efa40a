import type { SyntaxNodeRef } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** What is allowed at a position that could not be parsed, by the part of the query around it. */
const EXPECTED: Readonly<Record<string, string>> = {
  PromQL: 'an expression',
  VectorSelector: 'an operator or the end of the query',
  LabelMatchers: 'a matcher such as label="value", "," or "}"',
  UnquotedLabelMatcher: 'one of = != =~ !~ and a value in quotes',
  QuotedLabelMatcher: 'one of = != =~ !~ and a value in quotes',
  GroupingLabels: 'a label name, "," or ")"',
  FunctionCallBody: 'an argument, "," or ")"',
  AggregateExpr: 'the expression to aggregate, in parentheses',
  AggregateModifier: 'labels in parentheses',
  MatrixSelector: 'a duration such as 5m and "]"',
  SubqueryExpr: 'a duration such as 5m and "]"',
  OffsetExpr: 'a duration such as 5m',
  StepInvariantExpr: 'a Unix time, start() or end()',
  ParenExpr: '")"',
  BinaryExpr: 'an expression',
  UnaryExpr: 'an expression',
};

const SHOWN = 20;

/**
 * The text of a syntax error, in the spelling of the given query: the position, the token there, and the tokens
 * expected.
 */
export function syntaxProblem(text: string, grammarsText: string): string {
  let error: { from: number; parent: string } | undefined;
  parser.parse(grammarsText).iterate({
    enter(node) {
      if (node.type.isError) error ??= { from: node.from, parent: parentOf(node) };
      return error === undefined;
    },
  });
  const from = error?.from ?? 0;
  const at = from + (text.slice(from).search(/\S/) + 1 || text.length - from + 1) - 1;
  const found = at >= text.length ? 'the query ends' : `there is ${shown(text, at)}`;
  const name = /(?<!\w)\d*([a-zA-Z_]\w*)$/.exec(text.slice(0, at).trimEnd())?.[1];
  if (text[at] === '(' && name !== undefined)
    return `${where(text, at)}: ${found}, but no function is known as "${name}"`;
  return `${where(text, at)}: ${found}, but ${EXPECTED[error?.parent ?? ''] ?? 'an expression'} is expected`;
}

function parentOf(node: SyntaxNodeRef): string {
  return node.node.parent?.name ?? '';
}

function shown(text: string, at: number): string {
  const word = /^(?:\w+|.)/su.exec(text.slice(at))?.[0] ?? '';
  return JSON.stringify(word.length > SHOWN ? `${word.slice(0, SHOWN)}…` : word);
}

/** A position in a query, as line and column. */
export function where(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

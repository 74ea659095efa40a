import type { SyntaxNode } from '@lezer/common';

import { parsePromql, partsOf } from '../../../src/datasource/prometheus/promql/parse.js';
import { nameOf, selectorsOf } from '../../../src/datasource/prometheus/promql/selectors.js';

export type Labels = Readonly<Record<string, string>>;

/** A series of one sample a minute, the latest first; null where there is none. */
export interface StoredSeries {
  labels: Labels;
  samples: readonly (number | null)[];
}

export interface Valued {
  labels: Labels;
  value: number;
}

interface Ranged {
  labels: Labels;
  values: number[];
}

type Value =
  { kind: 'scalar'; value: number } | { kind: 'vector'; series: Valued[] } | { kind: 'matrix'; series: Ranged[] };

/** The server would refuse the query because of the series that it found. */
export class EvaluationError extends Error {}

/**
 * A reference evaluator of a part of PromQL over samples of whole minutes, simple and slow. Its functions over ranges
 * differ from the server's, which does not matter: the tests are about which series and samples each function is given.
 */
export function evaluated(promql: string, stored: readonly StoredSeries[]): Valued[] {
  const query = parsePromql(promql);
  if ('problem' in query) throw new Error(`${query.problem}: ${promql}`);
  const selectors = new Map(selectorsOf(query).map((selector) => [selector.node.from, selector]));
  const { text } = query;
  const MEANINGS: Record<string, (node: SyntaxNode, ago: number) => Value> = {
    NumberDurationLiteral: (node) => ({ kind: 'scalar', value: Number(text.slice(node.from, node.to)) }),
    ParenExpr: (node, ago) => valueOf(partsOf(node)[0], ago),
    OffsetExpr: (node, ago) => valueOf(partsOf(node)[0], ago + minutes(node.lastChild)),
    UnaryExpr: (node, ago) => mapped(valueOf(partsOf(node)[1], ago), (value) => -value),
    VectorSelector: selected,
    MatrixSelector: (node, ago) => ranged(partsOf(node)[0], ago, minutes(partsOf(node)[1])),
    SubqueryExpr: (node, ago) => ranged(partsOf(node)[0], ago, minutes(partsOf(node)[1])),
    FunctionCall: called,
    AggregateExpr: aggregated,
    BinaryExpr: combined,
  };
  const [whole] = partsOf(query.root);
  return vector(valueOf(whole, 0)).series;

  function valueOf(node: SyntaxNode | undefined, ago: number): Value {
    const meaning = node && MEANINGS[node.name];
    if (!meaning) throw new Error(`${node?.name ?? 'nothing'} is not modelled`);
    return meaning(node, ago);
  }

  function minutes(node: SyntaxNode | null | undefined): number {
    return parseInt(text.slice(node?.from, node?.to), 10);
  }

  function selected(node: SyntaxNode, ago: number): Value {
    const matchers = selectors.get(node.from)?.matchers ?? [];
    const name = node.getChild('Identifier');
    const series = stored.flatMap(({ labels, samples }) => {
      const value = samples[ago];
      if (value === undefined || value === null) return [];
      const isNamed = !name || labels['__name__'] === text.slice(name.from, name.to);
      const isMatched = matchers.every((matcher) => {
        const own = labels[matcher.label] ?? '';
        if (matcher.operator === '=') return own === matcher.value;
        if (matcher.operator === '!=') return own !== matcher.value;
        const isLike = new RegExp(`^(?:${matcher.value})$`, 's').test(own);
        return matcher.operator === '=~' ? isLike : !isLike;
      });
      return isNamed && isMatched ? [{ labels, value }] : [];
    });
    return { kind: 'vector', series };
  }

  function ranged(node: SyntaxNode | undefined, ago: number, length: number): Value {
    const byLabels = new Map<string, Ranged>();
    for (let at = ago + length - 1; at >= ago; at -= 1) {
      for (const { labels, value } of vector(valueOf(node, at)).series) {
        const one = byLabels.get(keyOf(labels)) ?? { labels, values: [] };
        byLabels.set(keyOf(labels), one);
        one.values.push(value);
      }
    }
    return { kind: 'matrix', series: [...byLabels.values()] };
  }

  function called(node: SyntaxNode, ago: number): Value {
    const [identifier, body] = partsOf(node);
    const name = text.slice(identifier?.from, identifier?.to);
    const given = body ? partsOf(body).map((argument) => valueOf(argument, ago)) : [];
    if (name === 'time') return { kind: 'scalar', value: 1000 - ago };
    const [first, second] = given;
    if (name === 'abs') return mapped(vector(first), Math.abs);
    if (name === 'clamp_max') return mapped(vector(first), (value) => Math.min(value, scalar(second)));
    if (name === 'histogram_quantile')
      return grouped(vector(second).series, (labels) => without(labels, ['le', '__name__']), spread);
    if (first?.kind !== 'matrix') throw new Error(`${name} is not modelled`);
    const series = first.series.map(({ labels, values }) => ({
      labels: without(labels, ['__name__']),
      value: overTime(name, values),
    }));
    return { kind: 'vector', series: distinct(series) };
  }

  function aggregated(node: SyntaxNode, ago: number): Value {
    const operator = node.getChild('AggregateOp');
    const name = text.slice(operator?.from, operator?.to);
    const of = vector(valueOf(partsOf(node.getChild('FunctionCallBody') ?? node).at(-1), ago));
    const modifier = node.getChild('AggregateModifier');
    const named = labelsIn(modifier);
    const isWithout = modifier?.getChild('Without');
    return grouped(
      of.series,
      (labels) => (isWithout ? without(labels, [...named, '__name__']) : only(labels, named)),
      (members) =>
        aggregate(
          name,
          members.map(({ value }) => value),
        ),
    );
  }

  function labelsIn(node: SyntaxNode | null): string[] {
    const list = node?.getChild('GroupingLabels');
    return list ? partsOf(list).map((each) => nameOf(text, each)) : [];
  }

  function combined(node: SyntaxNode, ago: number): Value {
    const [left, operator] = partsOf(node);
    const symbol = text.slice(operator?.from, operator?.to);
    const a = valueOf(left, ago);
    const b = valueOf(partsOf(node).at(-1), ago);
    if (a.kind === 'scalar' && b.kind === 'scalar')
      return { kind: 'scalar', value: operate(symbol, a.value, b.value) ?? 0 };
    if (b.kind === 'scalar') return filtered(vector(a), symbol, (value) => operate(symbol, value, b.value));
    if (a.kind === 'scalar') return filtered(vector(b), symbol, (value) => operate(symbol, a.value, value));
    const clause = node.getChild('MatchingModifierClause');
    const named = labelsIn(clause);
    const matching = (labels: Labels): Labels =>
      clause?.getChild('On') ? only(labels, named) : without(labels, [...named, '__name__']);
    return matched(symbol, { a: vector(a).series, b: vector(b).series, matching });
  }
}

interface Matching {
  a: Valued[];
  b: Valued[];
  matching: (labels: Labels) => Labels;
}

function matched(symbol: string, { a, b, matching }: Matching): Value {
  const keyed = (labels: Labels): string => keyOf(matching(labels));
  const right = new Set(b.map(({ labels }) => keyed(labels)));
  if (symbol === 'and') return { kind: 'vector', series: a.filter(({ labels }) => right.has(keyed(labels))) };
  if (symbol === 'unless') return { kind: 'vector', series: a.filter(({ labels }) => !right.has(keyed(labels))) };
  const left = new Set(a.map(({ labels }) => keyed(labels)));
  if (symbol === 'or')
    return { kind: 'vector', series: distinct([...a, ...b.filter(({ labels }) => !left.has(keyed(labels)))]) };
  if (right.size < b.length) throw new EvaluationError('several to one');
  const partners = new Map(b.map((series) => [keyed(series.labels), series]));
  const used = new Set<string>();
  const series: Valued[] = [];
  for (const { labels, value } of a) {
    const partner = partners.get(keyed(labels));
    const result = partner && operate(symbol, value, partner.value);
    if (result === undefined) continue;
    if (used.has(keyed(labels))) throw new EvaluationError('several to one');
    used.add(keyed(labels));
    series.push({ labels: matching(labels), value: result });
  }
  return { kind: 'vector', series: distinct(series) };
}

function vector(value: Value | undefined): { kind: 'vector'; series: Valued[] } {
  if (value?.kind !== 'vector') throw new Error('a vector was expected');
  return value;
}

function scalar(value: Value | undefined): number {
  if (value?.kind !== 'scalar') throw new Error('a scalar was expected');
  return value.value;
}

/** An operator without a result drops the series. */
function operate(symbol: string, a: number, b: number): number | undefined {
  if (symbol === '+') return a + b;
  if (symbol === '-') return a - b;
  if (symbol === '*') return a * b;
  if (symbol === '>') return a > b ? a : undefined;
  throw new Error(`${symbol} is not modelled`);
}

function filtered({ series }: { series: Valued[] }, symbol: string, of: (value: number) => number | undefined): Value {
  const left = series.flatMap(({ labels, value }) => {
    const result = of(value);
    if (result === undefined) return [];
    return symbol === '>' ? [{ labels, value }] : [{ labels: without(labels, ['__name__']), value: result }];
  });
  return { kind: 'vector', series: distinct(left) };
}

function mapped(of: Value, change: (value: number) => number): Value {
  if (of.kind === 'scalar') return { kind: 'scalar', value: change(of.value) };
  const series = vector(of).series.map(({ labels, value }) => ({
    labels: without(labels, ['__name__']),
    value: change(value),
  }));
  return { kind: 'vector', series: distinct(series) };
}

function grouped(
  series: readonly Valued[],
  by: (labels: Labels) => Labels,
  make: (members: Valued[]) => number,
): Value {
  const groups = new Map<string, Valued[]>();
  for (const each of series) groups.set(keyOf(by(each.labels)), [...(groups.get(keyOf(by(each.labels))) ?? []), each]);
  return {
    kind: 'vector',
    series: [...groups.values()].map((members) => ({
      labels: by((members[0] as Valued).labels),
      value: make(members),
    })),
  };
}

function aggregate(name: string, values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (name === 'sum') return values.reduce((sum, value) => sum + value, 0);
  if (name === 'count') return values.length;
  if (name === 'max') return sorted.at(-1) ?? NaN;
  if (name === 'quantile') return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  throw new Error(`${name} is not modelled`);
}

function overTime(name: string, values: readonly number[]): number {
  if (name === 'max_over_time') return Math.max(...values);
  if (name === 'sum_over_time') return values.reduce((sum, value) => sum + value, 0);
  if (name === 'delta') return (values.at(-1) ?? 0) - (values[0] ?? 0);
  throw new Error(`${name} is not modelled`);
}

/** Replaces a quantile: a number that depends on every bucket and its bound. */
function spread(buckets: readonly Valued[]): number {
  return buckets.reduce((sum, { labels, value }) => sum + value * ((labels['le'] ?? '').length + 1), 0);
}

function distinct(series: Valued[]): Valued[] {
  if (new Set(series.map(({ labels }) => keyOf(labels))).size < series.length)
    throw new EvaluationError('series with equal labels');
  return series;
}

function only(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
}

export function without(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

export function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

import type { SyntaxNode } from '@lezer/common';

import { partsOf, type ParsedQuery } from './parse.js';
import { stringOf } from './string-literal.js';

/** One matcher of a selector, such as `job="api"`. */
export interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
  /** The position in the query, from the beginning of the operator to the end of the value. */
  from: number;
  to: number;
}

/** A vector selector of a query, with its matchers. */
export interface Selector {
  node: SyntaxNode;
  matchers: readonly Matcher[];
}

/** All vector selectors of a query, in the order of its text. */
export function selectorsOf({ text, root }: ParsedQuery): Selector[] {
  const found: Selector[] = [];
  root.cursor().iterate((ref) => {
    if (ref.name === 'VectorSelector') found.push({ node: ref.node, matchers: matchersOf(text, ref.node) });
  });
  return found;
}

function matchersOf(text: string, selector: SyntaxNode): Matcher[] {
  const braces = selector.getChild('LabelMatchers');
  if (!braces) return [];
  return partsOf(braces).flatMap((part) => (part.name === 'QuotedLabelName' ? [] : [matcherOf(text, part)]));
}

function matcherOf(text: string, part: SyntaxNode): Matcher {
  const [label, operator, value] = partsOf(part);
  if (!label || !operator || !value) throw new Error(`a matcher in three parts was expected, not ${part.name}`);
  return {
    label: nameOf(text, label),
    operator: text.slice(operator.from, operator.to) as Matcher['operator'],
    value: stringOf(text.slice(value.from, value.to)) ?? '',
    from: operator.from,
    to: value.to,
  };
}

/** The label that a name in a matcher or a grouping stands for, quoted or not. */
export function nameOf(text: string, name: SyntaxNode): string {
  const written = text.slice(name.from, name.to);
  return name.name === 'QuotedLabelName' ? (stringOf(written) ?? '') : written;
}

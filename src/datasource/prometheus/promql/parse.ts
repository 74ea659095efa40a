import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

import { toError } from '../../../errors.js';
import { grammarText, misreadPlace, withKeywordAsName } from './grammar-text.js';
import { hasHalfCharacter, stringOf } from './string-literal.js';
import { syntaxProblem, where } from './syntax-problem.js';

/** A valid query: its tree has no errors, and all its strings can be read. */
export interface ParsedQuery {
  text: string;
  root: SyntaxNode;
}

const strictParser = parser.configure({ strict: true });

/** Trees are walked recursively. No query written by hand is nested deeper. */
const MAX_DEPTH = 200;

/** Parses a query with Prometheus' own grammar. The problem may be shown to users. */
export function parsePromql(text: string): ParsedQuery | { problem: string } {
  if (hasHalfCharacter(text))
    return { problem: 'the query has half a character in it: a surrogate without its other half' };
  const read = treeOf(text);
  if ('problem' in read) return read;
  const { tree } = read;
  const problem = strictnessProblem(text, tree);
  return problem === undefined ? { text, root: tree.topNode } : { problem };
}

/**
 * Most keywords that are replaced: the grammar refuses one at a time, and each needs another parse of the whole query.
 */
const MAX_KEYWORDS_AS_NAMES = 20;

function treeOf(text: string): { tree: Tree } | { problem: string } {
  let grammarsText = grammarText(text);
  for (let names = 0; ; names += 1) {
    const read = strictly(grammarsText);
    if (typeof read !== 'number') {
      const misread = misreadPlace(text, grammarsText, read);
      if (misread === undefined) return { tree: read };
      return { problem: `${where(text, misread)}: this cannot be read in one way only` };
    }
    const named = names < MAX_KEYWORDS_AS_NAMES ? withKeywordAsName(grammarsText, read) : undefined;
    if (named === undefined) return { problem: syntaxProblem(text, grammarsText) };
    grammarsText = named;
  }
}

/** The tree, or the position after which the grammar failed. */
function strictly(text: string): Tree | number {
  try {
    return strictParser.parse(text);
  } catch (thrown) {
    return Number(/(?<!\d)\d+$/.exec(toError(thrown).message)?.[0] ?? text.length);
  }
}

/** Mistakes that the grammar accepts: it reads strings less strictly than servers do. */
function strictnessProblem(text: string, tree: Tree): string | undefined {
  let problem: string | undefined;
  let depth = 0;
  tree.iterate({
    enter({ name, from, to }) {
      depth += 1;
      if (depth > MAX_DEPTH) problem ??= `the query is nested more than ${MAX_DEPTH} deep`;
      const tokenProblem = TOKEN_PROBLEMS[name]?.(text.slice(from, to));
      if (tokenProblem !== undefined) problem ??= `${where(text, from)}: ${tokenProblem}`;
    },
    leave() {
      depth -= 1;
    },
  });
  return problem;
}

const TOKEN_PROBLEMS: Readonly<Record<string, (written: string) => string | undefined>> = {
  LineComment: (written) =>
    written.trimEnd().includes('\r')
      ? 'this comment has a carriage return in it, where some servers end it and others do not'
      : undefined,
  StringLiteral: (written) =>
    stringOf(written) === undefined
      ? 'this string is not closed, or has an escape that PromQL does not know'
      : undefined,
  QuotedLabelName: (written) =>
    hasHalfCharacter(stringOf(written) ?? '') ? 'this name has bytes that are not UTF-8' : undefined,
};

/** A node's parts without comments, which may stand anywhere. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let part = node.firstChild; part; part = part.nextSibling) if (part.name !== 'LineComment') parts.push(part);
  return parts;
}

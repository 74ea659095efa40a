import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

import { hasHalfCharacter, stringOf } from './string-literal.js';
import { syntaxProblem, where } from './syntax-problem.js';

/** A query that could be read whole: its tree has no errors, and all of its strings say something. */
export interface ParsedQuery {
  text: string;
  root: SyntaxNode;
}

const strictParser = parser.configure({ strict: true });

/** Trees are walked recursively; nobody nests deeper by hand. */
const MAX_DEPTH = 200;

/** Reads a query by Prometheus' own grammar. The problem is fit for the user's eyes. */
export function parsePromql(text: string): ParsedQuery | { problem: string } {
  if (hasHalfCharacter(text)) return { problem: 'the query has half a character in it: a surrogate without its other half' };
  let tree: Tree;
  try {
    tree = strictParser.parse(text);
  } catch {
    return { problem: syntaxProblem(text) };
  }
  const problem = strictnessProblem(text, tree);
  return problem === undefined ? { text, root: tree.topNode } : { problem };
}

/** What the grammar lets pass: it reads strings less strictly than servers do. */
function strictnessProblem(text: string, tree: Tree): string | undefined {
  let problem: string | undefined;
  let depth = 0;
  tree.iterate({
    enter({ name, from, to }) {
      depth += 1;
      if (depth > MAX_DEPTH) problem ??= `the query is nested more than ${MAX_DEPTH} deep`;
      if (name === 'LineComment' && text.slice(from, to).trimEnd().includes('\r'))
        problem ??= `${where(text, from)}: this comment has a carriage return in it, where some servers end it and others do not`;
      if (name === 'StringLiteral' && stringOf(text.slice(from, to)) === undefined)
        problem ??= `${where(text, from)}: this string is not closed, or has an escape that PromQL does not know or that is no UTF-8`;
    },
    leave() {
      depth -= 1;
    },
  });
  return problem;
}

/** A node's parts, comments left out: they may stand anywhere. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let part = node.firstChild; part; part = part.nextSibling) if (part.name !== 'LineComment') parts.push(part);
  return parts;
}

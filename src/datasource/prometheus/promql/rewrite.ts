import type { SyntaxNode } from '@lezer/common';

import type { ParsedQuery } from './parse.js';
import { quoted, stringOf } from './string-literal.js';

/** A piece of a query to be replaced; inserted, where `from` equals `to`. */
export interface Edit {
  from: number;
  to: number;
  text: string;
}

/**
 * The query with some pieces replaced, in canonical spelling: without comments, with single blanks, and with every
 * string in double quotes with the same few escapes. Servers differ in where a comment ends and in what an escape
 * means, so nothing ambiguous is passed on. Undefined if it has a character that PromQL does not allow outside strings.
 * Edits never overlap; their text may be raw, and blanks in it are kept.
 */
export function rewritten({ text, root }: ParsedQuery, edits: readonly Edit[]): string | undefined {
  const pieces = [...edits, ...respelled(text, root, edits)].sort((a, b) => a.from - b.from || a.to - b.to);
  const parts: string[] = [];
  let code = '';
  let at = 0;
  for (const { from, to, text: replacement } of pieces) {
    code += text.slice(at, from);
    at = to;
    if (replacement === COMMENT) {
      code += ' ';
      continue;
    }
    parts.push(code, replacement);
    code = '';
  }
  parts.push(code + text.slice(at));
  return joined(parts);
}

const COMMENT = ' ';
const BLANK_AFTER_OPENING = /([({[,]) /g;
const BLANK_BEFORE_CLOSING = / ([)}\],])/g;

function respelled(text: string, root: SyntaxNode, edits: readonly Edit[]): Edit[] {
  const found: Edit[] = [];
  const isReplaced = (at: number): boolean => edits.some(({ from, to }) => from <= at && at < to);
  root.cursor().iterate(({ name, from, to }) => {
    if (isReplaced(from)) return;
    if (name === 'LineComment') found.push({ from, to, text: COMMENT });
    if (name === 'StringLiteral') found.push({ from, to, text: quoted(stringOf(text.slice(from, to)) ?? '') });
  });
  return found;
}

/** Joins code and replacements, which alternate. */
function joined(parts: readonly string[]): string | undefined {
  let all = '';
  for (const [index, part] of parts.entries()) {
    const code = index % 2 === 0 ? tidy(part) : part;
    if (code === undefined) return undefined;
    all += all.endsWith(' ') && code.startsWith(' ') ? code.slice(1) : code;
  }
  return all.trim();
}

function tidy(code: string): string | undefined {
  const blanks = code.replace(/\s+/g, ' ');
  if (/[^ -~]/.test(blanks)) return undefined;
  return blanks.replace(BLANK_AFTER_OPENING, '$1').replace(BLANK_BEFORE_CLOSING, '$1');
}

import type { SyntaxNode, Tree } from '@lezer/common';

/**
 * The grammar of `@prometheus-io/lezer-promql` accepts less than servers do: no `1.`, `1.e3`, `0X1F` or `0x_1F`, no
 * function `holt_winters`, and no metric called `offset`. So these tokens are replaced for the grammar by tokens of the
 * same kind and length. Thus each position of the tree is a position of the query. The query itself is sent to servers.
 */

/** A number that ends in its point, or has its exponent directly after its point. */
const POINT_LAST = /(?<![\w.:])\d(?:_?\d)*\.(?:[eE][+-]?\d(?:_?\d)*)?(?![\w.:])/;
const HEXADECIMAL = /0[xX](?:_?[\da-fA-F])+(?![\w.:])/;
/** Strings and comments are tokens too, so that text within them is not replaced. */
const TOKEN = new RegExp(
  [
    String.raw`"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|` + '`[^`]*`?',
    String.raw`#[^\n]*`,
    String.raw`[a-zA-Z_:][\w:]*`,
    `(?<pointLast>${POINT_LAST.source})`,
    `(?<hexadecimal>${HEXADECIMAL.source})`,
    String.raw`\.?\d[\w.]*`,
  ].join('|'),
  'g',
);

/** The name that Prometheus 2 has for `double_exponential_smoothing`, and a known function that has as many letters. */
const FORMER_FUNCTION = 'holt_winters';
const KNOWN_FUNCTION = 'day_of_month';

/** The query with numbers and functions in the form that the grammar accepts. */
export function grammarText(text: string): string {
  return text.replace(TOKEN, (token: string, ...rest: unknown[]) => {
    const { pointLast, hexadecimal } = rest.at(-1) as Record<string, string | undefined>;
    if (token === FORMER_FUNCTION) return KNOWN_FUNCTION;
    if (pointLast !== undefined) return pointLast.replace('.', '0');
    return hexadecimal === undefined ? token : hexadecimal.replace('X', 'x').replaceAll('_', '0');
  });
}

/** The keyword that servers accept as the name of a metric, at places where no keyword can be. */
const KEYWORD_AS_NAME = 'offset';
const KEYWORD_NEXT = new RegExp(`^(?:\\s|#[^\\n]*(?:\\n|$))*(${KEYWORD_AS_NAME})(?![\\w:])`, 'i');
const STAND_IN = 'x';

/**
 * The text in which the keyword that the grammar refused at `at` is replaced by a name; undefined if another token was
 * refused.
 */
export function withKeywordAsName(grammarsText: string, at: number): string | undefined {
  const found = KEYWORD_NEXT.exec(grammarsText.slice(at));
  if (!found) return undefined;
  const from = at + found[0].length - (found[1] as string).length;
  return grammarsText.slice(0, from) + STAND_IN + grammarsText.slice(from + STAND_IN.length);
}

/** In the grammar a sign is a part of the number after it. */
const SIGN = String.raw`(?:[-+](?:\s|#[^\n]*\n)*)?`;
const WHOLE_NUMBER = new RegExp(`^${SIGN}(?:${POINT_LAST.source}|${HEXADECIMAL.source})$`);

/** The first position at which the tree does not have the token that was replaced there; undefined if there is none. */
export function misreadPlace(text: string, grammarsText: string, tree: Tree): number | undefined {
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === grammarsText[at]) continue;
    const node = tree.resolveInner(at, 1);
    if (!isReadAsWritten(text.slice(node.from, node.to), node)) return node.from;
    at = node.to - 1;
  }
  return undefined;
}

function isReadAsWritten(written: string, node: SyntaxNode): boolean {
  if (node.name.startsWith('NumberDurationLiteral')) return WHOLE_NUMBER.test(written);
  if (written === FORMER_FUNCTION) return node.parent?.name === 'FunctionIdentifier' || isPlainName(node);
  const isName = node.name === 'Identifier' && node.parent?.name === 'VectorSelector';
  return isName && written.toLowerCase() === KEYWORD_AS_NAME;
}

/** The name of a metric or a label; its letters do not change how the grammar reads it. */
function isPlainName({ name }: SyntaxNode): boolean {
  return name === 'Identifier' || name === 'LabelName';
}

type Token =
  { kind: 'many' } | { kind: 'one' } | { kind: 'set'; negated: boolean; ranges: readonly [number, number][] };

/**
 * A shell pattern as Python's `fnmatch` reads it on Unix: `*`, `?`, `[seq]`, `[!seq]`, case-sensitive, matching the
 * whole text. It is not turned into a regular expression, since users write the patterns: this way the time is at most
 * pattern length times text length.
 */
export function shellPattern(pattern: string): (text: string) => boolean {
  if (/^\*+$/.test(pattern)) return () => true;
  if (!/[*?[]/.test(pattern)) return (text) => text === pattern;
  if (/^[^*?[]+\*$/.test(pattern)) {
    const beginning = pattern.slice(0, -1);
    return (text) => text.startsWith(beginning);
  }
  const tokens = tokensOf(codePoints(pattern));
  return (text) => matches(tokens, codePoints(text));
}

function matches(tokens: readonly Token[], text: readonly number[]): boolean {
  let token = 0;
  let at = 0;
  // Only the last `*` may have to take more characters: all before it has matched as early as possible.
  let lastMany = -1;
  let retryAt = 0;
  while (at < text.length) {
    const present = tokens[token];
    if (present?.kind === 'many') {
      lastMany = token++;
      retryAt = at;
    } else if (present && takes(present, text[at] as number)) {
      token += 1;
      at += 1;
    } else if (lastMany >= 0) {
      token = lastMany + 1;
      at = ++retryAt;
    } else return false;
  }
  return tokens.slice(token).every(({ kind }) => kind === 'many');
}

function takes(token: Token, character: number): boolean {
  if (token.kind !== 'set') return true;
  return token.ranges.some(([first, last]) => first <= character && character <= last) !== token.negated;
}

const [STAR, QUESTION, OPEN, CLOSE, NOT, DASH] = codePoints('*?[]!-') as [
  number,
  number,
  number,
  number,
  number,
  number,
];

function tokensOf(pattern: readonly number[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] as number;
    const end = character === OPEN ? endOfSet(pattern, at) : -1;
    if (character === STAR) tokens.push({ kind: 'many' });
    else if (character === QUESTION) tokens.push({ kind: 'one' });
    else if (end < 0) tokens.push({ kind: 'set', negated: false, ranges: [[character, character]] });
    else {
      const negated = pattern[at + 1] === NOT;
      tokens.push({ kind: 'set', negated, ranges: rangesOf(pattern.slice(at + (negated ? 2 : 1), end)) });
      at = end;
    }
  }
  return tokens;
}

/**
 * The index at which the set that opens at `open` closes. -1 if it does not close: then the bracket stands for itself.
 * A `]` at the first place is a member.
 */
function endOfSet(pattern: readonly number[], open: number): number {
  const first = open + (pattern[open + 1] === NOT ? 2 : 1);
  return pattern.indexOf(CLOSE, first + (pattern[first] === CLOSE ? 1 : 0));
}

function rangesOf(members: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const first = members[at] as number;
    const last = members[at + 1] === DASH ? members[at + 2] : undefined;
    ranges.push([first, last ?? first]); // a range that runs backwards holds nothing
    if (last !== undefined) at += 2;
  }
  return ranges;
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}

import { RE2JS, RE2JSException } from 're2js';

import type { Pattern } from '../../storage/queries/complex-filter.js';

const MAX_CHARACTERS = 256;
/**
 * Most instructions of all patterns of one filter. Each may cost tens of nanoseconds per character of every row, so
 * `.{1000}` twice is too much.
 */
const MAX_INSTRUCTIONS = 500;
/** Most cost of compiling all patterns of one filter. At 0.6 µs a unit it blocks the event loop for 12 ms at most. */
const MAX_COMPILE_COST = 20_000;
const UNICODE_CLASS_COST = 500;
/** Without case, each character of a range that is not ASCII is looked up. */
const FOLDED_RANGE_COST = 6_000;
const TOO_COMPLEX = 'its regular expressions are too complex';

/** Compiles the regular expressions of one filter with RE2, whose time is linear in the length of the text. */
export class SearchPatterns {
  #instructions = 0;
  #compileCost = 0;

  /** The compiled pattern, or the problem as text. */
  compile(source: string): Pattern | string {
    if (source.length > MAX_CHARACTERS) return `a regular expression may have at most ${MAX_CHARACTERS} characters`;
    this.#compileCost += compileCost(source);
    if (this.#compileCost > MAX_COMPILE_COST) return TOO_COMPLEX;
    try {
      const compiled = RE2JS.compile(source);
      this.#instructions += compiled.programSize();
      if (this.#instructions > MAX_INSTRUCTIONS) return TOO_COMPLEX;
      return { source, test: (text) => compiled.test(text) };
    } catch (cause) {
      if (cause instanceof RE2JSException) return cause.message;
      throw cause;
    }
  }
}

const COUNTED_REPETITION = /(\)?)\{(\d{1,4})(?:,(\d{0,4}))?\}/g;
const IGNORES_CASE = /\(\?[a-z]*i/i;
const BEYOND_ASCII = /[^\0-\x7f]|\\[xp]/i;

/**
 * An upper bound of the instructions that a pattern has before RE2 simplifies it, and of the cost of its classes. The
 * program is as long as its repetitions written out, also if RE2 refuses it then.
 */
function compileCost(source: string): number {
  let characters = source.length;
  let copies = 1;
  for (const [, group, least, most] of source.matchAll(COUNTED_REPETITION)) {
    const count = Math.max(1, Number(least), Number(most ?? 0));
    if (group) copies *= count;
    else characters += count;
  }
  const classes = source.match(/\\p/gi)?.length ?? 0;
  const isFoldedRange = IGNORES_CASE.test(source) && BEYOND_ASCII.test(source);
  const ranges = isFoldedRange ? source.split('-').length - 1 : 0;
  return characters * copies + classes * UNICODE_CLASS_COST + ranges * FOLDED_RANGE_COST;
}

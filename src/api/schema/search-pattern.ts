import { RE2JS, RE2JSException } from 're2js';

import type { Pattern } from '../../storage/queries/complex-filter.js';

const MAX_CHARACTERS = 256;
/**
 * Most instructions of all patterns of one filter. Each may cost tens of nanoseconds per character of every row, so
 * `.{1000}` twice is too much.
 */
const MAX_INSTRUCTIONS = 500;

/** Compiles the regular expressions of one filter with RE2, whose time is linear in the length of the text. */
export class SearchPatterns {
  #instructions = 0;

  /** The compiled pattern, or the problem as text. */
  compile(source: string): Pattern | string {
    if (source.length > MAX_CHARACTERS) return `a regular expression may have at most ${MAX_CHARACTERS} characters`;
    try {
      const compiled = RE2JS.compile(source);
      this.#instructions += compiled.programSize();
      if (this.#instructions > MAX_INSTRUCTIONS) return 'its regular expressions are too complex';
      return { source, test: (text) => compiled.test(text) };
    } catch (cause) {
      if (cause instanceof RE2JSException) return cause.message;
      throw cause;
    }
  }
}

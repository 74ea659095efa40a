import { jsonOf } from '../http-exchange.js';

/** What begins or ends a text, what keeps a quote from doing so, and what JSON has no words for. */
const TOKENS = /"|\\[^]|NaN|-?Infinity/g;

/** In numbers of JSON; a number beyond the range of floats is read as an infinite one. */
const SPELLED: Readonly<Record<string, string>> = { NaN: 'null', Infinity: '1e999', '-Infinity': '-1e999' };

/**
 * Reads JSON as Python writes it: Gnocchi passes on measures that are NaN or infinite, for which JSON has no words. One
 * that is stored must not make an answer unreadable that others share: NaN becomes null, which is no number either, and
 * infinities become infinite numbers.
 * @throws BackendTrouble for what is not even that.
 */
export function pythonsJsonOf(text: string): unknown {
  try {
    return jsonOf(text);
  } catch (thrown) {
    if (!/NaN|Infinity/.test(text)) throw thrown;
    let isWithinText = false;
    const corrected = text.replace(TOKENS, (found) => {
      if (found === '"') isWithinText = !isWithinText;
      return isWithinText ? found : (SPELLED[found] ?? found);
    });
    return jsonOf(corrected);
  }
}

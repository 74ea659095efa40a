import { jsonOf } from '../http-exchange.js';

/** What begins or ends a text, what keeps a quote from doing so, and what JSON has no words for. */
const TOKENS = /"|\\[^]|NaN|-?Infinity/g;

/**
 * What Python writes as JSON: Gnocchi passes on measures that are NaN or infinite, for which JSON has no words. Whoever stores one must not make
 * an answer unreadable that others share, so these become null, which is no number either.
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
      return isWithinText || found.length < 'NaN'.length ? found : 'null';
    });
    return jsonOf(corrected);
  }
}

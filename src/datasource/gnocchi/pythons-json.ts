import { jsonOf } from '../http-exchange.js';

const TEXTS_AND_NO_NUMBERS = /"(?:[^"\\]|\\.)*"|NaN|-?Infinity/g;

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
    return jsonOf(text.replace(TEXTS_AND_NO_NUMBERS, (found) => (found.startsWith('"') ? found : 'null')));
  }
}

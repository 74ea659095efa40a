import { jsonOf } from '../../../http/json-answer.js';

/** Quotes, escaped characters (an escaped quote ends no string), and the values that JSON does not have. */
const TOKENS = /"|\\[^]|NaN|-?Infinity/g;

/** JSON for Python's NaN and infinities. A number beyond the range of floats is parsed as infinite. */
const SPELLED: Readonly<Record<string, string>> = { NaN: 'null', Infinity: '1e999', '-Infinity': '-1e999' };

/**
 * Parses JSON as Python writes it. Gnocchi passes on NaN and infinite measures, which JSON does not have. One such
 * measure must not make the answer for other metrics unreadable. So NaN becomes null, and infinities become infinite
 * numbers.
 * @throws BackendUnavailable if the text is not even that.
 */
export function parseNanTolerantJson(text: string): unknown {
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

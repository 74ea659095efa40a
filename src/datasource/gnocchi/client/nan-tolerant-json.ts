import { jsonOf } from '../../gate/http-exchange.js';

/** What begins or ends a text, what keeps a quote from doing so, and what JSON has no words for. */
const TOKENS = /"|\\[^]|NaN|-?Infinity/g;

/** The JSON for Python's words; a number beyond the range of floats is parsed as infinite. */
const SPELLED: Readonly<Record<string, string>> = { NaN: 'null', Infinity: '1e999', '-Infinity': '-1e999' };

/**
 * Parses JSON as Python writes it. Gnocchi passes on NaN and infinite measures, which JSON does not have. One such
 * measure must not make the answer for other metrics unreadable. So NaN becomes null, and infinities become infinite
 * numbers.
 * @throws BackendUnavailable for what is not even that.
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

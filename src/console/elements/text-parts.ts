/** A time as sentences of the service have it: ISO 8601 with a zone. */
const MOMENT = /(?<![\w.:+-])(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d))(?!\w|:\d)/;

/** A part of a sentence: words, or a time. */
export type TextPart = string | { at: string };

/** Splits a sentence of the service at the times in it. Joined, the parts are the sentence. */
export function textParts(text: string): TextPart[] {
  return text
    .split(MOMENT)
    .map((part, index) => (index % 2 === 1 && !Number.isNaN(Date.parse(part)) ? { at: part } : part))
    .filter((part) => part !== '');
}

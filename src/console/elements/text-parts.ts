/** A time as sentences of the service have it: ISO 8601 with a zone. */
const MOMENT = /(?<![\w.:+-])(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d))(?!\w|:\d)/;

/** What a refusal quotes as it was sent, which may hold a time, such as a name. */
const QUOTED = /(Value: '.*?'(?=\.\s|\.?$))/s;

/** A part of a sentence: words, or a time. */
export type TextPart = string | { at: string };

/** Splits a sentence of the service at the times in it, but for quoted ones. Joined, the parts are the sentence. */
export function textParts(text: string): TextPart[] {
  return text
    .split(QUOTED)
    .flatMap((piece, index) => (index % 2 === 1 ? [piece] : timeParts(piece)))
    .filter((part) => part !== '');
}

function timeParts(text: string): TextPart[] {
  return text.split(MOMENT).map((part, index) => (index % 2 === 1 && isMoment(part) ? { at: part } : part));
}

/** False for 30 February, too, which `Date` takes for a day in March. */
function isMoment(text: string): boolean {
  const day = text.slice(0, 'YYYY-MM-DD'.length);
  const parsed = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(Date.parse(text)) && parsed.toISOString().startsWith(day);
}

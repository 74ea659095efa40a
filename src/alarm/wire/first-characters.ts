/**
 * The beginning of a text that may be too long to be shown, without half a character at its end: a surrogate without
 * its other half is no text.
 */
export function firstCharacters(text: string, most: number): string {
  return text.slice(0, most).replace(/\p{Surrogate}$/u, '');
}

/** The first `most` UTF-16 units of a text, without a half surrogate pair at the end. */
export function firstCharacters(text: string, most: number): string {
  return text.slice(0, most).replace(/\p{Surrogate}$/u, '');
}

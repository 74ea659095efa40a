import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any character of Unicode, as a unit of strings. fast-check's own unit `binary` makes a table of all of them, which
 * takes a second for each kind of string.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.nat(0x10ffff - SURROGATES.count).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  (character) => {
    const point = (character as string).codePointAt(0)!;
    return point < SURROGATES.first ? point : point - SURROGATES.count;
  },
);

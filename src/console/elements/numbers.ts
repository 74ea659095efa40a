const SHORT_NUMBER = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });
const COUNT = new Intl.NumberFormat();

const SIGNS: Readonly<Record<string, string>> = { lt: '<', le: '≤', eq: '=', ne: '≠', ge: '≥', gt: '>' };

/** A value of the API: infinite ones are texts there, and null is none. */
export type ApiNumber = number | string | null;

/** A value for a user: six digits, `∞`, or a dash. */
export function numberText(value: ApiNumber | undefined): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value.replace('inf', '∞');
  return SHORT_NUMBER.format(value);
}

/** A number of things. */
export function countText(count: number): string {
  return COUNT.format(count);
}

/** A number of things with their name, in the plural unless it is one: `1 alarm`, `2 alarms`. */
export function countOf(count: number, singular: string): string {
  return `${countText(count)} ${singular}${count === 1 ? '' : 's'}`;
}

const COMPARISONS: Readonly<Record<string, string>> = {
  lt: 'is less than',
  le: 'is at most',
  eq: 'is equal to',
  ne: 'is not equal to',
  ge: 'is at least',
  gt: 'is greater than',
};

/** A comparison operator of the API in words: `is greater than` for `gt`. */
export function comparisonWords(operator: string): string {
  return COMPARISONS[operator] ?? operator;
}

/** The sign of a comparison operator of the API: `>` for `gt`. */
export function operatorSign(operator: string | null): string {
  return (operator !== null ? SIGNS[operator] : undefined) ?? '';
}

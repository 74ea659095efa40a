const BITS = 30;

/** A set of whole numbers from 0 to 59 in two 32-bit words: there may be a million schedules in memory. */
export class NumberSet {
  readonly #low: number;
  readonly #high: number;

  constructor(members: Iterable<number>) {
    let low = 0;
    let high = 0;
    for (const member of members) {
      if (member < BITS) low |= 1 << member;
      else high |= 1 << (member - BITS);
    }
    this.#low = low;
    this.#high = high;
  }

  has(value: number): boolean {
    return value < BITS ? (this.#low & (1 << value)) !== 0 : (this.#high & (1 << (value - BITS))) !== 0;
  }

  /** The least member that is at least `value`; -1 if there is none. */
  atLeast(value: number): number {
    if (value < BITS) {
      const found = lowestBit((this.#low >>> value) << value);
      if (found >= 0) return found;
    }
    const rest = value <= BITS ? 0 : value - BITS;
    const found = rest < BITS ? lowestBit((this.#high >>> rest) << rest) : -1;
    return found < 0 ? -1 : found + BITS;
  }

  /** The greatest member that is at most `value`; -1 if there is none. */
  atMost(value: number): number {
    if (value >= BITS) {
      const found = highestBit(upTo(this.#high, value - BITS));
      if (found >= 0) return found + BITS;
    }
    return value < 0 ? -1 : highestBit(upTo(this.#low, Math.min(value, BITS - 1)));
  }

  get least(): number {
    return this.atLeast(0);
  }

  get greatest(): number {
    return this.atMost(2 * BITS - 1);
  }

  get size(): number {
    return bitCount(this.#low) + bitCount(this.#high);
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let member = this.atLeast(0); member >= 0; member = this.atLeast(member + 1)) yield member;
  }
}

function upTo(bits: number, last: number): number {
  return bits & (2 ** (last + 1) - 1);
}

function lowestBit(bits: number): number {
  return bits === 0 ? -1 : highestBit(bits & -bits);
}

function highestBit(bits: number): number {
  return 31 - Math.clz32(bits);
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

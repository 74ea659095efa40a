import { InvalidArgumentError } from 'commander';

interface NumberBounds {
  min: number;
  max: number;
}

/** Bounds of port numbers. */
export const PORTS: NumberBounds = { min: 1, max: 65_535 };

/** A parser for options that are whole numbers. commander prints its error with the name of the option; exit code 2. */
export function wholeNumber({ min, max }: NumberBounds): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

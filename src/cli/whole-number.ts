import { InvalidArgumentError } from 'commander';

interface Bounds {
  min: number;
  max: number;
}

export const PORTS: Bounds = { min: 1, max: 65_535 };

/**
 * Reads an option as a whole number in decimal digits. commander prints the error with the option's name and exits with
 * 2.
 */
export function wholeNumber({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

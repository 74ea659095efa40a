import type { z } from 'zod';

import { DURATION_EXPECTED } from './duration.js';
import { mappedOption, optionNamed, type Option } from './options.js';

/** One mistake in the configuration. */
export interface Problem {
  /** Dotted name of the option; absent if the mistake is not in an option (an unreadable file). */
  name?: string;
  message: string;
  /** Origin of the value: `TOCSIN_API_PORT`, `--port`, `tocsin.yaml line 3`; absent for values from code. */
  origin?: string | undefined;
}

/** All mistakes in a configuration. Printed without a stack. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly Problem[]) {
    super(
      [`the configuration has ${count(problems.length)}:`, ...problems.map((problem) => `  ${lineOf(problem)}`)].join(
        '\n',
      ),
    );
  }
}

/** A mistake as one line. */
function lineOf({ name, message, origin }: Problem): string {
  return `${name === undefined ? '' : `${name}: `}${message}${origin === undefined ? '' : ` (${origin})`}`;
}

/** Converts an issue of zod to mistakes. Messages show the value unless it is a secret. */
export function problemsOf(issue: z.core.$ZodIssue, valueAt: (path: readonly PropertyKey[]) => unknown): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ name: [...path, key].join('.'), message: 'unknown option' }));
  }
  const names = path.map((_, index) => path.slice(0, index + 1).join('.'));
  const option = names.map((name) => optionNamed(name) ?? mappedOption(name)).find((found) => found !== undefined);
  const value = valueAt(issue.path);
  // Text in the place of a section may hold a secret, so only values of options are shown.
  const mayShow = option !== undefined && option.kind !== 'secret' && value !== undefined;
  const got = mayShow ? `, got ${JSON.stringify(value).replace(/\/\/[^/?#"]*@/g, '//***@')}` : '';
  return [{ name: path.join('.') || 'the configuration', message: `${describe(issue, option)}${got}` }];
}

const EXPECTED: Readonly<Record<string, string>> = {
  number: 'expected a number',
  int: 'expected a whole number',
  boolean: 'expected true or false',
  string: 'expected text',
  array: 'expected a list',
  object: 'expected a section with options',
  record: 'expected sections by name',
};

function describe(issue: z.core.$ZodIssue, option: Option | undefined): string {
  if (issue.code === 'invalid_type') return expected(issue.expected, option);
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small')
    return issue.origin === 'number' ? `must be at least ${issue.minimum}` : 'must not be empty';
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  // zod nests the message about an invalid name.
  return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}

function expected(type: string, option: Option | undefined): string {
  const holdsDurations =
    option?.kind === 'duration' || /^notifier\.(?:retry|rejected)_schedule$/.test(option?.name ?? '');
  return holdsDurations && type === 'string' ? DURATION_EXPECTED : (EXPECTED[type] ?? `expected ${type}`);
}

function count(problems: number): string {
  return problems === 1 ? 'a mistake' : `${problems} mistakes`;
}

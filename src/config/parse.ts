import { crossFieldRules } from './cross-field.js';
import { ConfigError, problemsOf, type Problem } from './problem.js';
import { Config } from './schema.js';
import { Secret } from './secret.js';

/** Returns the origin of an option's value by the option's dotted name; undefined for defaults. */
export type OriginOf = (name: string) => string | undefined;

/**
 * Parses values as written, adds defaults and freezes the result.
 * @throws ConfigError with all mistakes, those in `known` too.
 */
export function parseConfig(
  input: unknown,
  originOf: OriginOf = () => undefined,
  known: readonly Problem[] = [],
): Config {
  const parsed = Config.safeParse(input);
  const found = (parsed.error?.issues ?? []).flatMap((issue) => problemsOf(issue, (path) => valueAt(input, path)));
  // Checks rules about several options even if other options are invalid, so that all mistakes are reported at once.
  const usable = parsed.success ? parsed.data : Config.safeParse(without(input, found)).data;
  if (usable) found.push(...brokenRules(usable, found, originOf));
  const problems = [
    ...known,
    ...found.map((problem) => ({ ...problem, origin: problem.origin ?? nearestOrigin(problem, originOf) })),
  ];
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return freeze(parsed.data);
}

function brokenRules(config: Config, found: readonly Problem[], originOf: OriginOf): Problem[] {
  const isInvalid = (name: string): boolean =>
    found.some((problem) => name === problem.name || (problem.name ?? '').startsWith(`${name}.`));
  return crossFieldRules(config)
    .filter(({ reads }) => !reads.some(isInvalid))
    .flatMap(({ reads, problem }) => {
      const message = problem(config);
      return message === undefined
        ? []
        : [{ name: reads[0], message, origin: reads.map(originOf).find((origin) => origin !== undefined) }];
    });
}

/** The origin of the option or of the list or section around it, since a list has one origin for all members. */
function nearestOrigin({ name = '' }: Problem, originOf: OriginOf): string | undefined {
  const path = name.split('.');
  return path
    .map((_, index) => originOf(path.slice(0, path.length - index).join('.')))
    .find((origin) => origin !== undefined);
}

function without(input: unknown, problems: readonly Problem[]): unknown {
  const copy = structuredClone(input);
  for (const { name = '' } of problems) {
    const path = name.split('.');
    // An invalid member makes the list invalid.
    const depth =
      path.findIndex((_, index) => Array.isArray(valueAt(copy, path.slice(0, index + 1)))) + 1 || path.length;
    const holder = valueAt(copy, path.slice(0, depth - 1));
    if (isRecord(holder)) delete holder[path[depth - 1] as string];
  }
  return copy;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = input;
  for (const key of path)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

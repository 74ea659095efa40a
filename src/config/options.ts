import type { z } from 'zod';

import { Config } from './schema.js';

export type OptionKind = 'text' | 'number' | 'boolean' | 'duration' | 'secret' | 'list';

/** One setting, as the schema has it: the one list that files, environment, flags and the printed configuration go by. */
export interface Option {
  /** Dotted, as in the file: `api.port`. */
  name: string;
  path: readonly string[];
  kind: OptionKind;
  /** `TOCSIN_API_PORT` */
  variable: string;
  /** As it would be written; undefined where there is none. */
  default: unknown;
}

/** The parts of zod's definitions that are looked at. */
interface Definition {
  type: string;
  innerType?: z.ZodType;
  in?: z.ZodType;
  defaultValue?: unknown;
}

/** Every option of the schema, in its order. */
export const OPTIONS: readonly Option[] = optionsOf(Config, []);

export function optionNamed(name: string): Option | undefined {
  return OPTIONS.find((option) => option.name === name);
}

export function isSection(name: string): boolean {
  return OPTIONS.some((option) => option.name.startsWith(`${name}.`));
}

function optionsOf(schema: z.ZodType, path: readonly string[]): Option[] {
  const layers = layersOf(schema);
  const object = layers.find(isObject);
  if (object) return Object.entries(object.shape).flatMap(([key, member]) => optionsOf(member as z.ZodType, [...path, key]));
  return [
    {
      name: path.join('.'),
      path,
      kind: kindOf(layers),
      variable: `TOCSIN_${path.join('_').toUpperCase()}`,
      default: layers.map((layer) => definition(layer).defaultValue).find((value) => value !== undefined),
    },
  ];
}

/** A schema and what it wraps, outermost first. */
function layersOf(schema: z.ZodType): z.ZodType[] {
  const { innerType, in: input } = definition(schema);
  const inner = innerType ?? input;
  return inner ? [schema, ...layersOf(inner)] : [schema];
}

function kindOf(layers: readonly z.ZodType[]): OptionKind {
  const named = layers.map((layer) => layer.meta()?.['kind']).find((kind) => kind !== undefined);
  if (named === 'secret' || named === 'duration') return named;
  const types = layers.map((layer) => definition(layer).type);
  if (types.includes('array')) return 'list';
  if (types.includes('number')) return 'number';
  return types.includes('boolean') ? 'boolean' : 'text';
}

function isObject(schema: z.ZodType): schema is z.ZodObject {
  return definition(schema).type === 'object';
}

function definition(schema: z.ZodType): Definition {
  return schema.def;
}

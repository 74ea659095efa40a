import type { z } from 'zod';

import { Config } from './schema.js';

export type OptionKind = 'text' | 'number' | 'boolean' | 'duration' | 'secret' | 'list';

/**
 * One setting, as the schema has it: the one list that files, environment, flags and the printed configuration go by.
 */
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

/** Sections of one form under names that the operator chooses. Only files can hold them. */
export interface OptionMap {
  /** Dotted: `gnocchi.others`. */
  name: string;
  path: readonly string[];
  /** What each of the sections holds; named, and with a path, from there. */
  options: readonly Option[];
}

/** The parts of zod's definitions that are looked at. */
interface Definition {
  type: string;
  valueType?: z.ZodType;
  innerType?: z.ZodType;
  in?: z.ZodType;
  defaultValue?: unknown;
}

/** Every option of the schema, in its order. */
export const OPTIONS: readonly Option[] = optionsOf(Config, []);

/** Every map of sections, in the schema's order. */
export const OPTION_MAPS: readonly OptionMap[] = mapsOf(Config, []);

/** The option of this name that can be set anywhere. */
export function optionNamed(name: string): Option | undefined {
  return OPTIONS.find((option) => option.name === name);
}

/** The option of this name within a section of a map, such as `gnocchi.others.east.url`. */
export function mappedOption(name: string): Option | undefined {
  const [map, , option] = inMap(name);
  return map?.options.find((each) => each.name === option);
}

/** Whether a section of a map has this name: `gnocchi.others.east`. */
export function isMapped(name: string): boolean {
  const [, entry, option] = inMap(name);
  return entry !== undefined && option === '';
}

export function isSection(name: string): boolean {
  return (
    [...OPTIONS, ...OPTION_MAPS].some((option) => option.name.startsWith(`${name}.`)) || isMap(name) || isMapped(name)
  );
}

function isMap(name: string): boolean {
  return OPTION_MAPS.some((map) => map.name === name);
}

/** The map that a name leads into, the name of the section there, and what follows. */
function inMap(name: string): [OptionMap, string, string] | [] {
  const map = OPTION_MAPS.find((each) => name.startsWith(`${each.name}.`));
  if (map === undefined) return [];
  const [entry = '', ...rest] = name.slice(map.name.length + 1).split('.');
  return [map, entry, rest.join('.')];
}

function mapsOf(schema: z.ZodType, path: readonly string[]): OptionMap[] {
  const layers = layersOf(schema);
  const { valueType } = definition(layers.find(isRecord) ?? schema);
  if (valueType) return [{ name: path.join('.'), path, options: optionsOf(valueType, []) }];
  return membersOf(layers).flatMap(([key, member]) => mapsOf(member, [...path, key]));
}

function optionsOf(schema: z.ZodType, path: readonly string[]): Option[] {
  const layers = layersOf(schema);
  if (layers.some(isRecord)) return [];
  if (layers.some(isObject)) return membersOf(layers).flatMap(([key, member]) => optionsOf(member, [...path, key]));
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

function membersOf(layers: readonly z.ZodType[]): [string, z.ZodType][] {
  return Object.entries(layers.find(isObject)?.shape ?? {}) as [string, z.ZodType][];
}

function isRecord(schema: z.ZodType): boolean {
  return definition(schema).type === 'record';
}

function isObject(schema: z.ZodType): schema is z.ZodObject {
  return definition(schema).type === 'object';
}

function definition(schema: z.ZodType): Definition {
  return schema.def;
}

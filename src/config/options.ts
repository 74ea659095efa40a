import type { z } from 'zod';

import { Config } from './schema.js';

/** Type of an option's value as it is written. */
export type OptionKind = 'text' | 'number' | 'boolean' | 'duration' | 'secret' | 'list';

/** An option, derived from the schema, for files, environment variables, flags and the printed configuration. */
export interface Option {
  /** Dotted name: `api.port`. */
  name: string;
  path: readonly string[];
  kind: OptionKind;
  /** Environment variable: `TOCSIN_API_PORT`. */
  variable: string;
  /** Default as it would be written; undefined without one. */
  default: unknown;
}

/** A map of sections whose names the operator chooses. Only files can set it. */
export interface OptionMap {
  /** Dotted name: `gnocchi.others`. */
  name: string;
  path: readonly string[];
  /** Options of each section. Names and paths are relative to the section. */
  options: readonly Option[];
}

/** The parts of zod's definitions that are read here. */
interface Definition {
  type: string;
  valueType?: z.ZodType;
  innerType?: z.ZodType;
  in?: z.ZodType;
  defaultValue?: unknown;
}

/** All options in the order of the schema. */
export const OPTIONS: readonly Option[] = optionsOf(Config, []);

/** All maps of sections in the order of the schema. */
export const OPTION_MAPS: readonly OptionMap[] = mapsOf(Config, []);

/** The option of this name, without those of maps. */
export function optionNamed(name: string): Option | undefined {
  return OPTIONS.find((option) => option.name === name);
}

/** The option of this name within a section of a map, such as `gnocchi.others.east.url`. */
export function mappedOption(name: string): Option | undefined {
  const [map, , option] = inMap(name);
  return map?.options.find((each) => each.name === option);
}

/** True for the name of a section of a map: `gnocchi.others.east`. */
export function isMapped(name: string): boolean {
  const [, entry, option] = inMap(name);
  return entry !== undefined && option === '';
}

/** True for the name of a section, of a map, or of a section of a map. */
export function isSection(name: string): boolean {
  return (
    [...OPTIONS, ...OPTION_MAPS].some((option) => option.name.startsWith(`${name}.`)) || isMap(name) || isMapped(name)
  );
}

function isMap(name: string): boolean {
  return OPTION_MAPS.some((map) => map.name === name);
}

/** Splits a name: its map, the name of the section in the map, and the rest. */
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

/** A schema and the schemas that it wraps, outermost first. */
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

import { shownOptions } from '../../evaluation-options.js';
import { PythonFloat, pythonJson, type PythonValue } from '../../wire/python-json.js';
import type { CompositeLeaf } from './tree.js';

/** A rule within a composite one, as it is stored. Unlike for other alarms, the type is included. */
export function leafJson(leaf: CompositeLeaf): string {
  return pythonJson(membersOf(leaf));
}

/** The same as clients see it. */
export function shownLeafJson(leaf: CompositeLeaf): string {
  return pythonJson({ ...membersOf(leaf), scope_to_project: undefined });
}

function membersOf(leaf: CompositeLeaf): { [name: string]: PythonValue } {
  const { threshold, tocsin } = leaf;
  return { ...leaf, threshold: new PythonFloat(threshold), tocsin: tocsin && shownOptions(tocsin) };
}

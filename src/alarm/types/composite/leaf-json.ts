import { PythonFloat, pythonJson } from '../../python-json.js';
import type { CompositeLeaf } from './tree.js';

/** A rule within a composite one, as it is stored. Unlike at the top, its type is part of it. */
export function leafJson(leaf: CompositeLeaf): string {
  return pythonJson({ ...leaf, threshold: new PythonFloat(leaf.threshold) });
}

/** The same as clients see it. */
export function shownLeafJson(leaf: CompositeLeaf): string {
  return pythonJson({ ...leaf, threshold: new PythonFloat(leaf.threshold), scope_to_project: undefined });
}

import path from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';

import type { Layer } from './layer.js';
import { isMapped, isSection } from './options.js';

interface ReadContext {
  layer: Layer;
  originAt: (offset: number | undefined) => string;
}

/** Reads options from YAML. An option without a value (`port:`) counts as not set. */
export function fromFile(file: string, text: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const originAt = (offset = 0): string => `${path.basename(file)} line ${lines.linePos(offset).line}`;
  const layer: Layer = { values: new Map(), problems: [] };
  for (const { message, pos } of document.errors)
    layer.problems.push({ message: `not valid YAML: ${message}`, origin: originAt(pos[0]) });
  if (document.errors.length > 0 || document.contents === null) return layer;
  if (isMap(document.contents)) readMap({ layer, originAt }, document.contents, []);
  else if (!isEmpty(document.contents))
    layer.problems.push({ message: 'expected sections with options', origin: originAt(0) });
  return layer;
}

function readMap(context: ReadContext, map: YAMLMap, path: readonly string[]): void {
  for (const { key, value } of map.items) {
    const here = [...path, String(isScalar(key) ? key.value : key)];
    const name = here.join('.');
    const origin = context.originAt(isScalar(key) ? key.range?.[0] : undefined);
    // A named backend exists even if its section is empty.
    if (isMapped(name) && (isMap(value) || isEmpty(value))) context.layer.values.set(name, { value: {}, origin });
    if (isMap(value) && isSection(name)) readMap(context, value, here);
    else if (!isEmpty(value)) context.layer.values.set(name, { value: plain(value), origin });
  }
}

function plain(node: unknown): unknown {
  return (node as { toJSON(): unknown }).toJSON();
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

import { Document, isNode } from 'yaml';

import type { Setting } from './layer.js';
import { isMapped, OPTION_MAPS, OPTIONS, type Option, type OptionMap } from './options.js';

type Settings = ReadonlyMap<string, Setting>;

/**
 * The effective configuration as YAML, with secrets masked. Comments show the origin of values that are not defaults.
 */
export function printConfig(settings: Settings): string {
  const document = new Document({});
  for (const option of OPTIONS) print(document, option, settings);
  for (const map of OPTION_MAPS) {
    const options = optionsIn(map, settings);
    if (options.length === 0) document.setIn(map.path, document.createNode({}, { flow: true }));
    for (const option of options) print(document, option, settings);
  }
  return document.toString({ lineWidth: 0 });
}

function print(document: Document, option: Option, settings: Settings): void {
  const setting = settings.get(option.name);
  document.setIn(option.path, document.createNode(shown(option, setting), { flow: true }));
  const node: unknown = document.getIn(option.path, true);
  if (setting !== undefined && isNode(node)) node.comment = ` ${setting.origin}`;
}

/** All options of all sections of a map. */
function optionsIn(map: OptionMap, settings: Settings): Option[] {
  const sections = [...settings.keys()].filter((name) => isMapped(name) && name.startsWith(`${map.name}.`));
  return sections.flatMap((section) =>
    map.options.map((option) => ({
      ...option,
      name: `${section}.${option.name}`,
      path: [...section.split('.'), ...option.path],
    })),
  );
}

function shown(option: Option, setting: Setting | undefined): unknown {
  const value = setting?.value ?? option.default ?? null;
  return option.kind === 'secret' && value !== null ? '***' : value;
}

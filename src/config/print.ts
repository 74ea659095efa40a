import { Document, isNode } from 'yaml';

import type { Setting } from './load.js';
import { OPTIONS, type Option } from './options.js';

/** The configuration in force as YAML: values as they are written, secrets masked, and beside what is no default, who set it. */
export function printConfig(settings: ReadonlyMap<string, Setting>): string {
  const document = new Document({});
  for (const option of OPTIONS) {
    document.setIn(option.path, document.createNode(shown(option, settings.get(option.name)), { flow: true }));
    const origin = settings.get(option.name)?.origin;
    const node: unknown = document.getIn(option.path, true);
    if (origin !== undefined && isNode(node)) node.comment = ` ${origin}`;
  }
  return document.toString({ lineWidth: 0 });
}

function shown(option: Option, setting: Setting | undefined): unknown {
  const value = setting?.value ?? option.default ?? null;
  return option.kind === 'secret' && value !== null ? '***' : value;
}

import type { OptionKind } from './options.js';

/**
 * Converts text from the environment or the command line to the value that a YAML file would hold. Text that does not
 * fit the kind is returned unchanged, so that the schema refuses it and the message shows it.
 */
export function valueFromText(kind: OptionKind, text: string): unknown {
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (kind === 'list') {
    return text
      .split(',')
      .map((member) => member.trim())
      .filter((member) => member !== '');
  }
  return text;
}

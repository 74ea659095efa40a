import type { OptionKind } from './options.js';

/**
 * Text from the environment or the command line as the value a YAML file would have held.
 * What cannot be converted stays text, so that the schema refuses it and the message shows it as it was given.
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

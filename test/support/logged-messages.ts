import { filesOf, sourceOf } from './source-tree.js';

/** A message that the program logs. `…` stands for each value in it. */
export interface LoggedMessage {
  level: string;
  message: string;
  file: string;
}

const LITERAL = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/;
const LOG_CALL = new RegExp(
  String.raw`\b(?:log|logger)\??\.(debug|info|warn|error)\(\s*(?:${LITERAL.source}|(\w+))`,
  'g',
);
/** A function that logs the message it is given. */
const FORWARDER =
  /function (\w+)\(\s*message: string[^{]*\{[^}]*?(?:\.(debug|info|warn|error)\(message|level: '(\w+)')/g;
/** The logger itself, which passes on what it is given. */
const LOGGER = 'src/logger.ts';

/** Every message that a file of src/ logs. Throws for a call whose message cannot be read from the source. */
export function loggedMessages(): LoggedMessage[] {
  return filesOf('src', '.ts')
    .filter((file) => file !== LOGGER)
    .flatMap((file) => messagesIn(sourceOf(file)).map((found) => ({ ...found, file })));
}

function messagesIn(source: string): Omit<LoggedMessage, 'file'>[] {
  const forwarders = [...source.matchAll(FORWARDER)].map(([, name = '', called, level]) => ({
    name,
    level: called ?? level ?? '',
  }));
  const forwarded = forwarders.flatMap(({ name, level }) =>
    [...source.matchAll(new RegExp(String.raw`\b${name}\(\s*(?:${LITERAL.source})`, 'g'))].map(
      ([, single, double, template]) => ({ level, message: textOf(single ?? double ?? template ?? '') }),
    ),
  );
  const direct = [...source.matchAll(LOG_CALL)].flatMap(([call, level = '', single, double, template, name]) => {
    const literal = single ?? double ?? template;
    if (literal !== undefined) return [{ level, message: textOf(literal) }];
    if (name === 'message' && forwarders.length > 0) return [];
    throw new Error(`the message of ${call} cannot be read from the source: log a literal text`);
  });
  return [...direct, ...forwarded];
}

function textOf(literal: string): string {
  return literal.replace(/\$\{[^}]*\}/g, '…').replace(/\\(.)/g, '$1');
}

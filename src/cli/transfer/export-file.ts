import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

import { StartupError, toError } from '../../errors.js';

/** Suffix of the name of a file that is not complete, so that it is not imported by mistake. */
const UNFINISHED = '.unfinished';

/**
 * Writes texts into a new compressed file that only its owner can read. It gets its name when it is complete and
 * flushed to the disk. Resolves to its size in bytes.
 * @throws StartupError if the file exists, or cannot be written.
 */
export async function writeExportFile(file: string, texts: AsyncIterable<string>): Promise<number> {
  const unfinished = `${file}${UNFINISHED}`;
  for (const existing of [file, unfinished])
    if (existsSync(existing)) throw new StartupError(`${existing} exists: remove it, or name another file`);
  try {
    const disk = createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline(Readable.from(texts, { objectMode: true }), createGzip(), disk);
    await rename(unfinished, file);
    return (await stat(file)).size;
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw isOfFile(thrown) ? cannot('write', file, thrown) : thrown;
  }
}

/** Yields the lines of an export. @throws StartupError if the file cannot be read, or is cut off. */
export async function* linesOfExport(file: string): AsyncGenerator<string> {
  const disk = createReadStream(file);
  const texts = createGunzip().setEncoding('utf8');
  disk.on('error', (cause) => texts.destroy(cause));
  disk.pipe(texts);
  let rest = '';
  try {
    for await (const text of texts as AsyncIterable<string>) {
      rest += text;
      if (!text.includes('\n')) continue;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (thrown) {
    throw cannot('read', file, thrown);
  } finally {
    disk.destroy();
    texts.destroy();
  }
  if (rest !== '') yield rest;
}

/** True for an error of the file, false for one of the source of the texts, which is the database. */
function isOfFile(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown;
}

function cannot(verb: 'read' | 'write', file: string, cause: unknown): StartupError {
  return new StartupError(`cannot ${verb} ${file}: ${toError(cause).message}`, { cause });
}

import { z } from 'zod';

import { StartupError } from '../../errors.js';

/** The version of the format. Another one is refused. */
export const EXPORT_VERSION = 1;

/**
 * An export is text of JSON lines: this head; for each table a head and a line for each row; an end. A row is the list
 * of its columns as PostgreSQL writes them, with times in UTC: so each value is exact, also a `bigint` and a
 * microsecond.
 */
const ExportHead = z.strictObject({
  format: z.literal('tocsin-export'),
  version: z.literal(EXPORT_VERSION),
  /** Of the program that made it. */
  release: z.string(),
  made_at: z.string(),
  migrations: z.array(z.strictObject({ name: z.string(), checksum: z.string() })),
  /** Ids of the keys that the sealed texts need. */
  keys: z.array(z.string()),
});
export type ExportHead = z.infer<typeof ExportHead>;

const TableHead = z.strictObject({ table: z.string(), columns: z.array(z.string()) });
export type TableHead = z.infer<typeof TableHead>;

/** Rows by table, which the import compares with what it has read. */
const ExportEnd = z.strictObject({ rows: z.record(z.string(), z.number().int()) });
export type ExportEnd = z.infer<typeof ExportEnd>;

const ExportRow = z.array(z.string().nullable());
/** The values of a row, in the order of the columns. */
export type ExportRow = z.infer<typeof ExportRow>;

/** Reads the first line of an export. @throws StartupError if it is no export, or one of another version. */
export function parseExportHead(line: string): ExportHead {
  const value = jsonOf(line);
  const found = ExportHead.safeParse(value);
  if (found.success) return found.data;
  const { format, version, release } = ((typeof value === 'object' ? value : null) ?? {}) as Partial<ExportHead>;
  if (format !== 'tocsin-export') throw new StartupError('the file is no export of Tocsin');
  if (version !== EXPORT_VERSION)
    throw new StartupError(
      `the export has version ${String(version)} of the format, and this release reads version ${EXPORT_VERSION}: ` +
        `import it with the release that made it (${String(release)})`,
    );
  throw damaged();
}

/** Reads a line between the head and the end of the file. @throws StartupError if it is none of an export. */
export function parseExportLine(line: string): ExportRow | TableHead | ExportEnd {
  const value = jsonOf(line);
  for (const form of [ExportRow, TableHead, ExportEnd]) {
    const found = form.safeParse(value);
    if (found.success) return found.data;
  }
  throw damaged();
}

/** The file is not whole: it was cut off, or changed. */
export function damaged(): StartupError {
  return new StartupError('the file is damaged or incomplete: make the export again');
}

/** The value of a line of JSON; undefined for another text, which no schema accepts. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database, Sql } from '../../../src/storage/database.js';
import { exportedText, PAGE_BYTES } from '../../../src/storage/transfer/export-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

const SHORT_ROWS = 4_000;
const LONG_ROWS = 60;
/** At least six of them fit on a page. */
const LONG = 300_000;
const ABOUT = { release: '1.0.0', now: NOON };
const UNHEARD = { onHead: () => undefined, progress: () => undefined };

/** Characters of the lines of one answer. */
function charactersOf(rows: readonly unknown[]): number {
  return (rows as { line?: string }[]).reduce((sum, { line = '' }) => sum + line.length, 0);
}

describe('an export of the embedded database', () => pages(embeddedDatabase));
describeWithPostgres('an export of PostgreSQL', () => pages(serverDatabase));

function pages(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  afterAll(() => db.close());

  /** Stores samples one after the other, whose metadata have this many characters. */
  async function store(count: number, characters: number): Promise<void> {
    await db.query(
      `insert into samples (message_id, meter, type, unit, volume, resource_id, source, timestamp, recorded_at,
         resource_metadata)
       select gen_random_uuid()::text, 'cpu', 'gauge', '%', n, 'r', 'test', $3, $3, to_json(repeat('"', $2::int / 4))
         from generate_series(1, $1::int) n`,
      [count, characters, NOON],
    );
  }

  test('holds a bounded part of the rows in memory, however short those before long ones are', async () => {
    await store(SHORT_ROWS, 4);
    await store(LONG_ROWS, LONG);
    await store(SHORT_ROWS, 4);
    let [lines, held] = [0, 0];
    await db.transaction(async (tx) => {
      const measured: Sql = {
        async query<Row>(...given: Parameters<Sql['query']>) {
          const result = await tx.query<Row>(...given);
          held = Math.max(held, charactersOf(result.rows));
          return result;
        },
      };
      for await (const text of exportedText(measured, ABOUT, UNHEARD))
        lines += text.split('\n').filter((line) => line.includes('"cpu"')).length;
    });
    expect(lines).toBe(2 * SHORT_ROWS + LONG_ROWS);
    // The long rows fill their pages, but for less than one of them.
    expect(held).toBeGreaterThan(PAGE_BYTES - 2 * LONG);
    expect(held).toBeLessThanOrEqual(PAGE_BYTES);
  });
}

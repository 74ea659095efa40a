import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import pg from 'pg';

import { silentLogger } from '../../../src/logger.js';
import {
  auditEntry,
  printable,
  UNKNOWN,
  type AuditEntry,
  type AuditFact,
} from '../../../src/storage/audit/audit-entry.js';
import { createAuditStore, type AuditStore } from '../../../src/storage/audit/audit-store.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { migrate } from '../../../src/storage/migration/migrate.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres, unmigratedPostgresUrl } from '../../support/servers.js';

const NOON = new Date('2026-01-01T12:00:00.123Z');
const FACT: AuditFact = { ...UNKNOWN, action: 'alarm.create', outcome: 'done' };
const ALL = { all: true } as const;
const minutesLater = (minutes: number): Date => new Date(NOON.getTime() + minutes * 60_000);
const entry = (given: Partial<AuditFact> = {}, at = NOON): AuditEntry => auditEntry({ ...FACT, ...given }, at);

describe('the audit trail in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the audit trail in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let trail: AuditStore;
  beforeAll(async () => {
    db = await open();
    trail = createAuditStore(db);
    await trail.keepDays(NOON, 90);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const daysKept = async (): Promise<string[]> => {
    const { rows } = await db.query<{ day: string }>(
      `select right(inhrelid::regclass::text, 8) as day from pg_inherits
        where inhparent = 'audit_entries'::regclass order by 1`,
    );
    return rows.map(({ day }) => day);
  };

  test('an entry is read as it was written', async () => {
    const full = entry({
      outcome: 'denied',
      status: 403,
      requestId: 'req-1',
      projectId: 'p1',
      objectId: 'a1',
      changed: ['name', 'severity'],
      userId: 'u1',
      actorProjectId: 'p2',
      roles: ['member', 'reader'],
      keyId: 'abc',
      allProjectsKey: true,
      address: '192.0.2.1',
    });
    const bare = entry({}, minutesLater(-1));
    await trail.append([full, bare]);
    expect(await trail.list(ALL, { limit: 10 })).toEqual([full, bare]);
  });

  test('an entry that is stored twice is in the trail once', async () => {
    const once = entry();
    await trail.append([once]);
    await trail.append([once]);
    expect(await trail.list(ALL, { limit: 10 })).toHaveLength(1);
  });

  test.each([
    { filter: { projectId: 'p1' }, found: ['a', 'b'] },
    { filter: { actor: 'u1' }, found: ['a'] },
    { filter: { actor: 'key' }, found: ['b'] },
    { filter: { action: 'alarm.delete' }, found: ['b'] },
    { filter: { objectId: 'c' }, found: ['c'] },
    { filter: { outcome: 'denied' as const }, found: ['c'] },
    { filter: { since: minutesLater(1) }, found: ['b', 'c'] },
    { filter: { until: minutesLater(2) }, found: ['a', 'b'] },
    { filter: { projectId: 'p1', since: minutesLater(1) }, found: ['b'] },
  ])('$filter finds $found', async ({ filter, found }) => {
    await trail.append([
      entry({ objectId: 'a', projectId: 'p1', userId: 'u1' }, minutesLater(0)),
      entry({ objectId: 'b', projectId: 'p1', keyId: 'key', action: 'alarm.delete' }, minutesLater(1)),
      entry({ objectId: 'c', projectId: 'p2', outcome: 'denied' }, minutesLater(2)),
    ]);
    const rows = await trail.list(ALL, { ...filter, limit: 10 });
    expect(rows.map(({ objectId }) => objectId).reverse()).toEqual(found);
  });

  test('a scope has the entries of its project', async () => {
    await trail.append([entry({ projectId: 'p1' }), entry({ projectId: '*' }), entry({ projectId: null })]);
    const seen = await trail.list({ projectId: 'p1' }, { limit: 10 });
    expect(seen.map(({ projectId }) => projectId)).toEqual(['p1']);
  });

  test('pages, also of entries of one millisecond, hold every entry once and newest first', async () => {
    const entries = Array.from({ length: 25 }, (_, n) => entry({}, minutesLater(n % 3)));
    await trail.append(entries);
    const read: AuditEntry[] = [];
    for (let after: AuditEntry | undefined; ; after = read.at(-1)) {
      const page = await trail.list(ALL, { limit: 10, after });
      read.push(...page);
      if (page.length < 10) break;
    }
    expect(new Set(read.map(({ id }) => id)).size).toBe(25);
    expect(read.map(({ at }) => at.getTime())).toEqual(read.map(({ at }) => at.getTime()).sort((a, b) => b - a));
    const [third] = await trail.list(ALL, { id: read[2]?.id, limit: 1 });
    expect(third).toEqual(read[2]);
  });

  test('days are made a week ahead and dropped whole, but none of the last week', async () => {
    const [, , day] = await daysKept();
    expect(day).toBe('20260102');
    const tomorrow = minutesLater(24 * 60);
    expect(await trail.keepDays(tomorrow, 90)).toBe(0);
    expect((await daysKept()).at(-1)).toBe('20260109');
    expect(await trail.keepDays(new Date('2026-01-11T00:00:00Z'), 0)).toBe(4);
    expect((await daysKept())[0]).toBe('20260104');
    const { rows } = await db.query<{ now: Date }>('select now() as now');
    const today = rows[0]?.now ?? NOON;
    await trail.keepDays(today, 7);
    const kept = await daysKept();
    expect(await trail.keepDays(new Date(today.getTime() + 400 * 86_400_000), 0)).toBe(0);
    expect(await daysKept()).toEqual(expect.arrayContaining(kept));
    await trail.keepDays(NOON, 90);
  });

  test('days are dropped also when the planner knows how many tables there are', async () => {
    await trail.keepDays(NOON, 90);
    for (const catalog of ['pg_class', 'pg_inherits']) await db.query(`analyze ${catalog}`);
    expect(await trail.keepDays(NOON, 90)).toBe(0);
  });
}

test.each([
  ['a line break', 'a\nb', 'a\\u{a}b'],
  ['a NUL', 'a\0b', 'a\\u{0}b'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['a mark that turns text around', 'a\u202eb', 'a\\u{202e}b'],
  ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ['an escape that is not one', 'a\\u{a}b', 'a\\u{5c}u{a}b'],
  ['letters of any language', 'zażółć-日本', 'zażółć-日本'],
])('%s cannot forge an entry', (_what, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test('long texts are cut', () => {
  expect(printable('x'.repeat(10_000))).toBe(`${'x'.repeat(256)}…`);
});

describeWithPostgres('the rights of docs/deployment.md, where another role migrates', () => {
  /** The statements that the page tells the operator to run, as the owner. */
  const GRANTS = (/```sql\n([^`]*keep_audit_days[^`]*)```/.exec(
    readFileSync(new URL('../../../../docs/deployment.md', import.meta.url), 'utf8'),
  ) ?? [])[1];
  let owner: Database;
  let service: Database;
  const trail = (): AuditStore => createAuditStore(service);

  beforeAll(async () => {
    const url = await unmigratedPostgresUrl();
    const options = { maxConnections: 2, statementTimeoutMs: 10_000 };
    owner = await openPostgres({ url, ...options }, silentLogger);
    const { rows } = await owner.query<{ name: string; database: string }>(
      `select 'tocsin_' || replace(gen_random_uuid()::text, '-', '') as name, current_database() as database`,
    );
    const { name } = rows[0]!;
    const asOwner = new pg.Client({ connectionString: url });
    await asOwner.connect();
    await asOwner.query(`create role ${name} login password 'service'`);
    await asOwner.query('alter default privileges grant all on tables to public'); // an owner may have set this
    await migrate(owner);
    await createAuditStore(owner).keepDays(NOON, 90); // the statements are run again after each migration
    expect(GRANTS).toContain('tocsin');
    await asOwner.query(GRANTS!.replace(/\btocsin\b/g, name));
    await asOwner.end();
    const asService = new URL(url);
    asService.username = name;
    asService.password = 'service';
    service = await openPostgres({ url: asService.href, ...options }, silentLogger);
  });
  afterAll(async () => {
    await service.close();
    await owner.close();
  });

  test('let the service prepare and drop days, and add and read entries', async () => {
    await trail().keepDays(NOON, 90);
    const added = entry({ projectId: 'p1' });
    await trail().append([added]);
    expect(await trail().list(ALL, { limit: 10 })).toEqual([added]);
    expect(await trail().keepDays(new Date('2026-03-01T00:00:00Z'), 30)).toBeGreaterThan(0);
    expect(await trail().list(ALL, { limit: 10 })).toEqual([]);
    await trail().keepDays(NOON, 90);
  });

  test.each([
    "update audit_entries set user_id = 'x'",
    'delete from audit_entries',
    'truncate audit_entries',
    'drop table audit_entries',
    'alter table audit_entries detach partition audit_entries_20260101',
    "update audit_entries_20260101 set user_id = 'x'",
    'delete from audit_entries_20260101',
    'truncate audit_entries_20260101',
    'drop table audit_entries_20260101',
    'insert into audit_entries_20260101 select * from audit_entries',
    'drop function keep_audit_days',
    'alter function keep_audit_days set search_path = public',
  ])('refuse the service: %s', async (statement) => {
    await expect(service.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('let the service do all else that it does to its tables', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r' and relname !~ '^(audit_entries|migrations)'`,
    );
    for (const { name } of rows) {
      const { rows: rights } = await service.query<{ missing: string[] }>(
        `select array(select p from unnest(array['select', 'insert', 'update', 'delete']) p
                       where not has_table_privilege($1, p)) as missing`,
        [name],
      );
      expect({ name, missing: rights[0]?.missing }).toEqual({ name, missing: [] });
    }
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { createMemberStore } from '../../../src/storage/evaluation/member-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let members: ReturnType<typeof createMemberStore>;

  beforeAll(async () => {
    db = await open();
    members = createMemberStore(db);
  });
  beforeEach(async () => {
    await db.query('delete from members');
  });
  afterAll(() => db.close());

  const backdate = (memberId: string, seconds: number): Promise<unknown> =>
    db.query("update members set heartbeat_at = heartbeat_at - $2::float8 * interval '1 second' where id = $1", [
      memberId,
      seconds,
    ]);

  test('a heartbeat returns the time of the server, and the list contains it', async () => {
    const first = await members.beat('a', null);
    const second = await members.beat('a', '17');
    expect(second.getTime()).toBeGreaterThanOrEqual(first.getTime());
    const [listed, ...others] = await members.list();
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ id: 'a', beatAt: second.getTime() });
    expect(listed?.ageMs).toBeGreaterThanOrEqual(0);
    const { rows } = await db.query('select seen from members');
    expect(rows).toEqual([{ seen: '17' }]);
  });

  test('the list has the age of an old heartbeat', async () => {
    await members.beat('a', null);
    await backdate('a', 10);
    const [listed] = await members.list();
    expect(listed?.ageMs).toBeGreaterThanOrEqual(10_000);
  });

  test('only evaluators are listed', async () => {
    await db.query("insert into members (id, role, heartbeat_at) values ('n', 'notifier', clock_timestamp())");
    expect(await members.list()).toEqual([]);
  });

  test('a member that leaves is removed, and so is one without a heartbeat for long', async () => {
    for (const id of ['left', 'silent', 'alive']) await members.beat(id, null);
    await backdate('silent', 100);
    await members.remove('left');
    await members.removeOlderThan(60_000);
    expect((await members.list()).map(({ id }) => id)).toEqual(['alive']);
  });
}

describe('member store on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('member store on PostgreSQL', () =>
  contract(() => serverDatabase({ maxConnections: 2, statementTimeoutMs: 5_000 })),
);

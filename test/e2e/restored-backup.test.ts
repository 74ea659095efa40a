import { afterEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';

import { findPostgres } from '../../dev/servers/postgres.js';
import { eventually } from '../support/eventually.js';
import { alarmAt, serve, startMoodyReceiver } from '../support/served-alarm.js';
import {
  describeWithPostgres,
  freshPostgresUrl,
  startPrivatePostgres,
  unmigratedPostgresUrl,
} from '../support/servers.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** Runs a program of PostgreSQL, and returns what it writes. */
function run(program: string, parameters: readonly string[], input?: Buffer): Buffer {
  return execFileSync(path.join(findPostgres() ?? '', program), parameters, { input, maxBuffer: 2 ** 28 });
}

async function drop(url: string): Promise<void> {
  const server = new URL(url);
  const name = server.pathname.slice(1);
  server.pathname = '/postgres';
  const client = new pg.Client({ connectionString: server.href });
  await client.connect();
  await client.query(`drop database ${name} with (force)`);
  await client.end();
}

/** Gives a new role rights on the database, as a service without the right to change the schema has. */
async function grantToNewRole(url: string): Promise<void> {
  const role = `reader_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create role ${role}`);
  await client.query(`grant select on all tables in schema public to ${role}`);
  await client.end();
}

/** A new server, whose numbers of transactions are lower than those of the dump. */
async function youngServer(): Promise<string> {
  const server = await startPrivatePostgres();
  undo.push(() => server.stop());
  return server.url;
}

describeWithPostgres('a database restored from pg_dump', () => {
  test.each([
    { where: 'on the same server', place: () => unmigratedPostgresUrl() },
    { where: 'on a new server', place: youngServer },
  ])(
    '$where loses no transition of before the dump, repeats what was delivered since with the same id, and goes on',
    async ({ place }) => {
      const receiver = await startMoodyReceiver();
      undo.push(() => receiver.close());
      const url = await freshPostgresUrl();
      await grantToNewRole(url);
      const secrets = { SECRETS_KEY: randomBytes(32).toString('base64') };
      const before = await serve({ DATABASE_URL: url, ...secrets });
      undo.push(() => before.kill());
      const there = alarmAt(before);
      const id = await there.create(receiver.url);
      await there.measure(95);
      await eventually(() => expect(receiver.requests.length).toBeGreaterThan(0));

      // The service runs on. The transition is committed, and its notification is not delivered yet.
      const dump = run('pg_dump', ['--format=custom', `--dbname=${url}`]);
      receiver.accept();
      await eventually(async () => expect(await there.notifications(id)).toEqual(['delivered']));
      await before.kill();
      await drop(url);

      const restored = await place();
      run('pg_restore', ['--exit-on-error', '--no-owner', '--no-privileges', `--dbname=${restored}`], dump);
      const after = await serve({ DATABASE_URL: restored, ...secrets });
      undo.push(() => after.kill());
      const here = alarmAt(after);
      await eventually(async () => expect(await here.notifications(id)).toEqual(['delivered']));
      const [first, again, ...others] = receiver.accepted;
      expect(others).toEqual([]);
      expect(again?.headers['webhook-id']).toMatch(/^msg_/);
      expect([again?.headers['webhook-id'], again?.body]).toEqual([first?.headers['webhook-id'], first?.body]);

      await here.measure(0, 9);
      await eventually(async () => expect(await here.notifications(id)).toEqual(['delivered', 'delivered']));
      expect(await here.transitions(id)).toEqual(['alarm', 'ok']);
      expect(receiver.accepted.map(({ target }) => target)).toEqual([
        '/alarm?token=s3cret',
        '/alarm?token=s3cret',
        '/ok',
      ]);
      expect(await after.stop()).toBe(0);
    },
  );
});

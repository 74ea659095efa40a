import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { alarmAt, serve, startMoodyReceiver } from '../support/served-alarm.js';
import { describeWithPostgres, unmigratedPostgresUrl } from '../support/servers.js';
import { startTocsin } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function removedLater(dir: string): string {
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function run(args: readonly string[], settings: Record<string, string>): Promise<string> {
  const command = startTocsin(args, settings);
  undo.push(() => command.kill());
  await eventually(() => expect(command.isRunning()).toBe(false));
  expect([await command.stop(), command.log()]).toEqual([0, command.log()]);
  return command.log();
}

describeWithPostgres('the embedded database moved to PostgreSQL by export-data and import-data', () => {
  test('goes on: the notification that waited is delivered once, and the alarm is evaluated further', async () => {
    const dir = removedLater(migratedDataDirectory());
    const file = path.join(removedLater(mkdtempSync(path.join(tmpdir(), 'tocsin-moved-'))), 'tocsin.export');
    const receiver = await startMoodyReceiver();
    undo.push(() => receiver.close());

    const source = await serve({ DATABASE_DATA_DIR: dir });
    undo.push(() => source.kill());
    const there = alarmAt(source);
    const id = await there.create(receiver.url);
    await there.measure(95);
    await eventually(() => expect(receiver.requests.length).toBeGreaterThan(0));
    expect(await there.transitions(id)).toEqual(['alarm']);
    expect(await source.stop()).toBe(0);

    expect(await run(['export-data', file], { DATABASE_DATA_DIR: dir })).toContain('It has encrypted secrets');
    const settings = {
      DATABASE_URL: await unmigratedPostgresUrl(),
      SECRETS_KEY: readFileSync(path.join(dir, 'secrets.key'), 'utf8').trim(),
    };
    await run(['import-data', file], settings);

    receiver.accept();
    const target = await serve(settings);
    undo.push(() => target.kill());
    const here = alarmAt(target);
    await eventually(async () => expect(await here.notifications(id)).toEqual(['delivered']));
    await here.measure(0, 9);
    await eventually(async () => expect(await here.notifications(id)).toEqual(['delivered', 'delivered']));
    expect(await here.transitions(id)).toEqual(['alarm', 'ok']);
    expect(receiver.accepted.map(({ target: url }) => url)).toEqual(['/alarm?token=s3cret', '/ok']);
    const ids = receiver.requests
      .filter(({ target: url }) => url !== '/ok')
      .map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
    expect(await target.stop()).toBe(0);
  });
});

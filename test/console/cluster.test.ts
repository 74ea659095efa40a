import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';

import { createProcessStore, type EvaluatorReport } from '../../src/storage/cluster/process-store.js';
import type { Database } from '../../src/storage/database.js';
import { startApi, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { describeWith } from '../support/servers.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

/** A process with all roles, as `npm start` runs it. */
function report(id: string, evaluator: Partial<EvaluatorReport> = {}): Promise<void> {
  const given: EvaluatorReport = { memberId: `member-${id}`, coordination: 'single', backends: [], ...evaluator };
  const process = { id, roles: ['api', 'evaluator', 'notifier'], version: '1.2.3', host: id, pid: 7, evaluator: given };
  return createProcessStore(db).report(process, 60_000);
}

describeWith(['chromium'], 'the view of the cluster in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('shows a single process that has all partitions, and no problem', async () => {
    await report('monitor-1');
    await db.query("update partitions set owner = 'member-monitor-1'");
    const { page, context, misdeeds } = await openPage(browser, `${api.url}/console#/alarms`);
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByText('one evaluator has all partitions.').waitFor();
    await page.getByRole('row', { name: /monitor-1 7 256 0–255 0/ }).waitFor();
    expect(await page.getByRole('list', { name: 'Problems' }).count()).toBe(0);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('shows partitions without an owner and backends that are down above all else', async () => {
    const down = { backend: 'prometheus', isUp: false, since: '2026-01-01T11:00:00Z', reason: 'timeout' };
    await report('monitor-1', { coordination: 'database', backends: [down] });
    await db.query("update partitions set owner = case when id < 200 then 'member-monitor-1' end");
    const { page, context, misdeeds } = await openPage(browser, `${api.url}/console#/cluster`);
    const problems = page.getByRole('list', { name: 'Problems' });
    await problems.getByText('56 of 256 partitions have no evaluator').waitFor();
    await problems.getByText('The backend prometheus is down').waitFor();
    await page.getByText('evaluators see each other through the database').waitFor();
    expect(await page.getByRole('row', { name: /none: not evaluated 56 200–255/ }).count()).toBe(1);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('is not in the navigation of a project, and its address says why nothing is shown', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/cluster?project=p1`);
    await page.getByText('Only admins of all projects may see the cluster.').waitFor();
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Cluster' }).count()).toBe(0);
    await context.close();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      await report('monitor-1');
      const { page, context } = await openPage(browser, `${api.url}/console#/cluster`, options);
      await page.getByText('256 of 256 partitions have no evaluator').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await context.close();
    },
  );
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, startBrowser } from '../support/browser.js';
import { anyDatabase } from '../support/databases.js';
import { describeWith } from '../support/servers.js';

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

describeWith(['chromium'], 'charts in many tabs at once', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('the chart of an alarm waits while other tabs have used up the share of the project', async () => {
    let asked = 0;
    const observe = (page: Page): void =>
      void page.route('**/values?**', (route) => {
        asked += 1;
        if (asked > 2) return route.continue();
        const refusal = { error_message: { faultcode: 'Client', faultstring: 'Too many at once', debuginfo: null } };
        return route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, json: refusal });
      });
    const id = await api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const past = 'span=1h&until=2026-01-01T11:00:00Z'; // the page does not know the clock of the service
    const { page, context } = await openPage(browser, `${api.url}/console#/alarm/${id}?project=p1&${past}`, {
      observe,
    });
    await page.getByRole('img', { name: 'Values of cpu high' }).waitFor();
    expect(asked).toBe(3);
    expect(await page.getByText('Too many at once').count()).toBe(0);
    await context.close();
  });
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { describeWith } from '../support/servers.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };
/** Before the clock of the service, which the page cannot know. */
const UNTIL = '2026-01-01T11:00:00Z';

let db: Database;
let api: TestApi;
let id: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(async () => {
  await empty(db);
  const samples = Array.from({ length: 60 }, (_, minute) => ({
    counter_name: 'cpu',
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: minute < 30 ? 40 : 90,
    resource_id: 'r1',
    timestamp: new Date(Date.parse('2026-01-01T10:00:00Z') + minute * 60_000).toISOString(),
  }));
  await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: samples });
  id = await api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const addressOf = (): string => `${api.url}/console#/alarm/${id}?project=p1&span=1h&until=${UNTIL}`;

describeWith(['chromium'], 'the view of one alarm in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('has the rule in a sentence, and a click on the chart explains that moment', async () => {
    const { page, context, misdeeds } = await openPage(browser, addressOf());
    await page.getByText(/^Fires when the avg of cpu .*> 80, in one period/).waitFor();
    const chart = page.getByRole('img', { name: /Values of cpu high.*from 40 to 90.*Threshold 80/ });
    await chart.locator('.u-over').click({ position: { x: 5, y: 20 } });
    await page.getByText(/^At 2026-01-01T10:0\d:\d\d/).waitFor();
    expect(page.url()).toContain('at=2026-01-01T10%3A0');
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('an alarm is disabled after a question, and keeps its other fields', async () => {
    const { page, context, misdeeds } = await openPage(browser, addressOf());
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('button', { name: 'Enable' }).waitFor();
    const stored = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(stored).toMatchObject({ name: 'cpu high', enabled: false, threshold_rule: { threshold: 80 } });
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('an edit of an alarm that has changed since it was opened is refused', async () => {
    const { page, context } = await openPage(browser, addressOf());
    await page.getByRole('button', { name: 'Disable' }).click();
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ name: 'renamed' }) });
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('The alarm has changed since you opened it').waitFor();
    const stored = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(stored).toMatchObject({ name: 'renamed', enabled: true });
    await context.close();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const { page, context } = await openPage(browser, addressOf(), options);
      await page.locator('.u-over').waitFor();
      await page.getByText('created by').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await context.close();
    },
  );
});

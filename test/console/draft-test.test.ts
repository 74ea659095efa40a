import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../support/api.js';
import { openPage, startBrowser } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';

/** Longer than any test: only the fake clock would end it. */
const ENDLESS_MS = 1_000_000_000;

let db: Database;
let api: TestApi;
let notifier: NotifierRig;
let receiver: Receiver;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { testWaitMs: ENDLESS_MS, onWake: () => notifier.waker.wake(1) });
  const rules = { attemptTimeoutMs: ENDLESS_MS, connectTimeoutMs: ENDLESS_MS, claimMs: 3 * ENDLESS_MS };
  notifier = startNotifier(db, { clock: api.clock, rules });
  receiver = await startReceiver((_, response) => void response.writeHead(204).end());
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await notifier.stop();
  await receiver.close();
  await db.close();
});

describeWith(['chromium'], 'a test of the actions of a draft in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  /** Moves the clock of the API, which looks for the outcomes, until the page shows this. */
  async function shown(what: Locator): Promise<void> {
    await eventually(async () => {
      await api.clock.advance(1_000);
      if (!(await what.isVisible())) throw new Error('the outcome of the test is not shown');
    });
  }
  /** Writes an event alarm with this action, and asks for a test of it. */
  async function testFire(page: Page, action: string): Promise<void> {
    await page.getByRole('button', { name: 'Add to Actions on alarm' }).click();
    // The new row has the focus.
    await page.keyboard.type(action);
    expect(await page.getByRole('button', { name: 'Test-fire the actions' }).isDisabled()).toBe(true);
    await page.getByLabel('Name *').fill('instances');
    await page.getByRole('button', { name: 'Test-fire the actions' }).click();
    await page.getByRole('dialog').getByLabel('Type the name of the alarm').fill('instances');
    await page.getByRole('dialog').getByRole('button', { name: 'Send the test' }).click();
  }

  test('calls the receiver, shows its answer and saves nothing', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/new?project=p1&type=event`);
    await testFire(page, `${receiver.url}/up`);
    const outcome = page.getByRole('region', { name: 'Outcome of the test' });
    await shown(outcome);
    expect(await outcome.innerText()).toMatch(/delivered.*\/up[^]*HTTP 204/);
    expect(receiver.requests.map(({ target, headers }) => [target, headers['tocsin-test']])).toEqual([['/up', 'true']]);
    expect((await api.ask('GET', '/v2/alarms', { as: MEMBER })).json()).toEqual([]);
    await context.close();
  });

  test('says why actions with a trust cannot be tested', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/new?project=p1&type=event`);
    await testFire(page, 'trust+https://heat.example.com/');
    await page.getByRole('dialog').getByText('trust+ actions cannot be tested in a draft').waitFor();
    await context.close();
  });
});

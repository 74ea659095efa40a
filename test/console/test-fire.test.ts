import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import type { Browser, Page } from 'playwright-core';

import { createRateLimits } from '../../src/api/http/rate-limits.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, seriousFaults, startBrowser, type OpenPage } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startReceiver, type Answer, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';

/** Longer than any test: only the fake clock would end it. */
const ENDLESS_MS = 1_000_000_000;
/** The page does not know the clock of the service, which refuses times in its future. */
const PAST = 'span=1h&until=2026-01-01T11:00:00Z';
const NO_LIMIT = { points: 0, seconds: 60 };

let db: Database;
let api: TestApi;
let notifier: NotifierRig;
let receiver: Receiver;
let answer: Answer;
/** Answers that a receiver has not given yet. */
const held: ServerResponse[] = [];

beforeAll(async () => {
  db = await anyDatabase();
  receiver = await startReceiver((request, response) => answer(request, response));
});
beforeEach(() => empty(db));
afterEach(async () => {
  for (const response of held.splice(0)) response.end();
  await api.close();
  await notifier.stop();
});
afterAll(async () => {
  await receiver.close();
  await db.close();
});

/** An API that waits so long, on its fake clock, for the outcomes of a test, and lets a project test once a minute. */
async function start(testWaitMs: number): Promise<void> {
  const rates = { requests: NO_LIMIT, writes: NO_LIMIT, replays: NO_LIMIT, tests: { points: 1, seconds: 60 } };
  api = await startApi(db, {
    testWaitMs,
    onWake: () => notifier.waker.wake(1),
    rateLimits: createRateLimits({ rates, redis: undefined, prefix: 'test' }),
  });
  const rules = { attemptTimeoutMs: ENDLESS_MS, connectTimeoutMs: ENDLESS_MS, claimMs: 3 * ENDLESS_MS };
  notifier = startNotifier(db, { clock: api.clock, rules });
}

describeWith(['chromium'], 'a test of an alarm in Chromium', () => {
  let browser: Browser;
  let opened: OpenPage;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterEach(() => opened.context.close());
  afterAll(() => browser.close());

  async function open(testWaitMs = ENDLESS_MS): Promise<Page> {
    await start(testWaitMs);
    const body = thresholdBody({ name: 'cpu high', alarm_actions: [`${receiver.url}/page`] });
    const id = await api.create(body, MEMBER);
    opened = await openPage(browser, `${api.url}/console#/alarm/${id}?project=p1&${PAST}`);
    await opened.page.getByText('live', { exact: true }).waitFor();
    return opened.page;
  }
  async function send(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Test-fire' }).click();
    await page.getByRole('dialog').getByLabel('Type the name of the alarm').fill('cpu high');
    await page.getByRole('dialog').getByRole('button', { name: 'Send the test' }).click();
  }
  /** Has the API look for outcomes and its stream for events until the page shows what it must show. */
  const seen = (check: () => Promise<unknown>): Promise<unknown> =>
    eventually(async () => {
      api.streams.wake();
      await api.clock.advance(1_000);
      await check();
    });
  const outcomeOf = (page: Page) => page.getByRole('region', { name: 'Outcome of the test' });

  test('is under way until the receiver answers, says when it waits no longer, and shows the late answer', async () => {
    answer = (_, response) => void held.push(response);
    const page = await open(1_000);
    await send(page);
    const dialog = page.getByRole('dialog');
    const button = dialog.getByRole('button', { name: 'Send the test …' });
    await button.waitFor();
    expect(await button.isDisabled()).toBe(true);
    expect(await seriousFaults(page)).toEqual([]);
    await eventually(() => expect(held).toHaveLength(1));
    expect(await outcomeOf(page).count()).toBe(0);

    await seen(async () => expect(await dialog.count()).toBe(0));
    await outcomeOf(page).getByText('the receiver has not answered yet').waitFor();
    expect(await outcomeOf(page).innerText()).toContain('in flight');
    expect(await seriousFaults(page)).toEqual([]);

    held[0]?.writeHead(204).end();
    await seen(async () => expect(await outcomeOf(page).innerText()).toMatch(/delivered.*\/page[^]*HTTP 204/));
    expect(await outcomeOf(page).getByText('has not answered yet').count()).toBe(0);
    expect(opened.misdeeds).toEqual({ errors: [], requestsElsewhere: [] });
  });

  test.each([
    { status: 404, isReadAgain: false, until: 'the first refusal that lasts' },
    { status: 503, isReadAgain: true, until: 'two minutes are over' },
  ])('whose outcome is answered with $status is read until $until', async ({ status, isReadAgain }) => {
    answer = (_, response) => void held.push(response);
    const page = await open(1_000);
    let read = 0;
    await page.route(/\/v1\/notifications\/[^/?]+$/, (route) => {
      read += 1;
      const refusal = { error_message: { faultcode: 'Client', faultstring: `Refusal ${status}`, debuginfo: null } };
      return route.fulfill({ status, json: refusal });
    });
    await send(page);
    await eventually(() => expect(held).toHaveLength(1));
    await page.clock.install();
    await seen(async () => expect(await outcomeOf(page).count()).toBe(1));
    await outcomeOf(page).getByText(`Refusal ${status}`).waitFor();
    for (let seconds = 0; seconds < 150; seconds += 2) await page.clock.runFor(2_000);
    const before = read;
    if (isReadAgain) expect(before).toBeGreaterThan(1);
    else expect(before).toBe(1);
    await page.clock.runFor(60_000);
    await outcomeOf(page).getByRole('button', { name: 'read again' }).click();
    await eventually(() => expect(read).toBe(before + 1));
  });

  test('that the receiver refuses is shown with its status, and was tried once', async () => {
    answer = (_, response) => void response.writeHead(429, { 'retry-after': '1' }).end('too many');
    const page = await open();
    const before = receiver.requests.length;
    await send(page);
    await seen(async () => expect(await outcomeOf(page).count()).toBe(1));
    expect(await outcomeOf(page).innerText()).toMatch(/dead.*\/page[^]*HTTP 429/);
    expect(receiver.requests).toHaveLength(before + 1);
  });

  test('beyond the share of the project is refused in the dialog, which keeps what was typed', async () => {
    answer = (_, response) => void response.writeHead(204).end();
    const page = await open();
    await send(page);
    await seen(async () => expect(await outcomeOf(page).count()).toBe(1));
    const before = receiver.requests.length;
    await send(page);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Too many tests of actions by this project').waitFor();
    expect(await dialog.getByLabel('Type the name of the alarm').inputValue()).toBe('cpu high');
    expect(await dialog.getByRole('button', { name: 'Send the test' }).isEnabled()).toBe(true);
    expect(receiver.requests).toHaveLength(before);
  });
});

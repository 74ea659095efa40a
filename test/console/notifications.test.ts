import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser } from '../support/browser.js';
import { NOON } from '../support/builders.js';
import { anyDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';
import { statuses, storeNumbered, type StoredNotification } from '../support/stored-notifications.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
});
// The API keeps the counts of receivers for two seconds of its clock.
beforeEach(async () => {
  await empty(db);
  api = await startApi(db, { mostReplayed: 2 });
});
afterEach(() => api.close());
afterAll(() => db.close());

const DEAD = { status: 'dead', attempt: 11, finishedAt: new Date(NOON.getTime() - 1_000) } as const;
const stored = (prefix: string, count: number, given: Partial<StoredNotification>): Promise<void> =>
  storeNumbered(db, prefix, count, { projectId: 'p1', ...given });
const addressOf = (search = ''): string => `${api.url}/console#/notifications?project=p1${search}`;
const row = (page: Page, host: string) => page.getByRole('row', { name: new RegExp(host) });

describeWith(['chromium'], 'the view of notifications in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('shows receivers, the worst first, and a number leads to its notifications', async () => {
    await stored('dead', 3, { ...DEAD, host: 'dead:80' });
    await stored('failing', 2, { attempt: 2, host: 'failing:80' });
    await db.query(`update notifications set last_error = 'http_status 503' where status = 'pending'`);
    const { page, context, misdeeds } = await openPage(browser, addressOf());
    await row(page, 'failing:80').getByText('The receiver answered HTTP 503.').waitFor();
    const hosts = await page.locator('.receivers td.main').allTextContents();
    expect(hosts).toEqual(['failing:80', 'dead:80']);
    await row(page, 'dead:80').getByRole('link', { name: '3' }).click();
    await page.locator('.notification', { hasText: 'failing' }).first().waitFor({ state: 'detached' });
    expect(await page.locator('.notification').count()).toBe(3);
    expect(page.url()).toContain('status=dead&host=dead%3A80');
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('a notification has its alarm, its error in words and its attempts, and is sent again', async () => {
    const alarmId = await api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    await stored('n', 1, { ...DEAD, alarmId });
    await db.query(
      `with told as (update notifications set last_error = 'timeout')
       insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, error)
       values ('n0', 1, $1, 15000, 'retry', 'timeout')`,
      [NOON],
    );
    const { page, context, misdeeds } = await openPage(browser, addressOf());
    const notification = page.locator('.notification');
    await notification.getByText('The receiver did not answer in time.').waitFor();
    expect(await notification.getByRole('link').getAttribute('href')).toContain(`#/alarm/${alarmId}`);
    await notification.getByText('http://receiver/hook').click();
    await notification.getByText('after 15000 ms').waitFor();
    await notification.getByRole('button', { name: 'Send again' }).click();
    await notification.getByText('failing').waitFor();
    expect(await statuses(db)).toEqual({ n0: 'pending' });
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('all that the filter shows are sent again after a question, request by request, with progress', async () => {
    await stored('a', 5, { ...DEAD, host: 'a:80' });
    await stored('b', 1, { ...DEAD, host: 'b:80' });
    const { page, context, misdeeds } = await openPage(browser, addressOf('&status=dead&host=a:80'));
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('5 notifications are sent again').waitFor();
    expect(await dialog.getByRole('listitem').allTextContents()).toEqual(['a:80 5']);
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('5 of 5 queued again').waitFor();
    await page.getByText('Done: 5 are waiting to be sent.').waitFor();
    const found = Object.values(await statuses(db)).sort();
    expect(found).toEqual(['dead', 'pending', 'pending', 'pending', 'pending', 'pending']);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('a replay that finds all sent by another user is done, and says no more', async () => {
    await stored('a', 2, DEAD);
    const { page, context } = await openPage(browser, addressOf('&status=dead'));
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 notifications are sent again').waitFor();
    await db.query(`update notifications set status = 'pending', attempt = 0, finished_at = null`);
    await dialog.getByRole('button', { name: 'Send again' }).click();
    const status = page.getByRole('region', { name: 'Sending again' }).getByRole('status');
    await status.getByText('Done').waitFor();
    expect(await status.textContent()).toBe('Done.');
    await context.close();
  });

  test('a replay says what was not seen while another project was chosen, and goes on in the new stream', async () => {
    await stored('a', 3, DEAD);
    const { page, context } = await openPage(browser, addressOf('&status=dead'));
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    await page.getByRole('dialog').getByText('3 notifications').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
    const replay = page.getByRole('region', { name: 'Sending again' });
    await replay.getByText('Done: 3 are waiting to be sent.').waitFor();
    const choose = async (name: string): Promise<void> => {
      await page.getByLabel('Project', { exact: true }).fill(name);
      await page.getByLabel('Project', { exact: true }).press('Enter');
    };
    await choose('p2');
    await replay.waitFor({ state: 'detached' });
    await choose('p1');
    await replay.getByText('Done: 3 not seen to end.').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    const finishedAt = new Date(NOON.getTime() + 60_000);
    await db.query(`update notifications set status = 'delivered', finished_at = $1 where id = 'a0'`, [finishedAt]);
    await eventually(async () => {
      api.streams.wake();
      await api.clock.advance(100);
      expect(await replay.getByText('Done: 1 delivered, 2 not seen to end.').count()).toBe(1);
    });
    await context.close();
  });

  test('a replay waits when the service says so, can be stopped, and goes on', async () => {
    await stored('a', 5, DEAD);
    const { page, context } = await openPage(browser, addressOf('&status=dead'));
    let requests = 0;
    await page.route('**/v1/notifications/replay?**', (route) => {
      requests += 1;
      if (requests !== 2) return route.continue();
      const refusal = { error_message: { faultcode: 'Client', faultstring: 'Too many replays', debuginfo: null } };
      return route.fulfill({ status: 429, headers: { 'Retry-After': '3600' }, json: refusal });
    });
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    await page.getByRole('dialog').getByText('5 notifications').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
    await page.getByText(/lets it wait \(Too many replays\)/).waitFor();
    await page.getByText('2 of 5 queued again').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped. Those that are left stay as they were.').waitFor();
    expect(await page.getByText('At least').count()).toBe(0);
    expect(Object.values(await statuses(db)).filter((status) => status === 'dead')).toHaveLength(3);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('5 of 5 queued again').waitFor();
    await context.close();
  });

  test('deliveries are paused with an end and a reason, which stand above all, and are resumed', async () => {
    const { page, context, misdeeds } = await openPage(browser, addressOf());
    await page.getByRole('button', { name: 'Pause deliveries' }).click();
    await page.getByRole('dialog').getByLabel('Ends').selectOption('when it is resumed');
    await page.getByRole('dialog').getByLabel('Reason').fill('network maintenance');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Deliveries of project p1 are paused').waitFor();
    await page.getByText('Reason: network maintenance.').waitFor();
    const pauses = (await api.ask('GET', '/v1/delivery-pauses', { as: MEMBER })).json();
    expect(pauses).toMatchObject([{ project_id: 'p1', ends_at: null, reason: 'network maintenance' }]);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Deliveries of project p1 are paused').waitFor({ state: 'detached' });
    expect((await api.ask('GET', '/v1/delivery-pauses', { as: MEMBER })).text).toBe('[]');
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('an admin of all projects pauses the deliveries of all', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/notifications`);
    await page.getByRole('button', { name: 'Pause deliveries' }).click();
    await page.getByRole('dialog').getByLabel('All projects').check();
    await page.getByRole('dialog').getByLabel('Ends').selectOption('when it is resumed');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Deliveries of all projects are paused').waitFor();
    expect((await api.ask('GET', '/v1/delivery-pauses')).json()).toMatchObject([{ project_id: '*' }]);
    await context.close();
  });

  test('a reader sees all and is offered no change', async () => {
    await stored('a', 1, DEAD);
    await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER });
    const observe = (page: Page): void =>
      void page.route('**/v1/session', async (route) => {
        const answer = await route.fetch();
        const session = (await answer.json()) as object;
        await route.fulfill({ response: answer, json: { ...session, role: 'reader' } });
      });
    const { page, context } = await openPage(browser, addressOf('&status=dead'), { observe });
    await page.getByText('Deliveries of project p1 are paused').waitFor();
    await page.locator('.notification summary').click();
    await page.getByText('No attempt yet.').waitFor();
    expect(await page.getByRole('button').allTextContents()).toEqual(['Refresh']);
    await context.close();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      await stored('a', 3, DEAD);
      await stored('b', 3, { attempt: 1, host: 'a-very-long-name-of-a-receiver.example.com:8443' });
      await api.ask('PUT', '/v1/delivery-pauses/p1', { as: MEMBER });
      const { page, context } = await openPage(browser, addressOf('&status=dead'), options);
      await page.locator('.notification summary').first().click();
      await page.getByText('No attempt yet.').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await context.close();
    },
  );
});

import { afterEach, beforeAll, beforeEach, expect, test, afterAll } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, startBrowser, type Misdeeds } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { openEventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };
const NO_LOCKS = 'delete Navigator.prototype.locks';

let db: Database;
let api: TestApi;
let id: string;

beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  await empty(db);
  api = await startApi(db);
  id = await api.create(thresholdBody({ name: 'cpu high', severity: 'critical' }), MEMBER);
});
afterEach(() => api.close());
afterAll(() => db.close());

const setState = (state: string): Promise<unknown> =>
  api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: state });

/** Has the streams read the database until the page shows what it must show. */
const seen = (check: () => Promise<unknown>): Promise<void> =>
  eventually(async () => {
    api.streams.wake();
    await api.clock.advance(100);
    await check();
  });

const rowOf = (page: Page, state: string) => page.getByRole('row', { name: new RegExp(`${state}.*cpu high`, 'i') });
const shows = (page: Page, state: string) => async (): Promise<void> =>
  expect(await rowOf(page, state).count()).toBe(1);
const isLive = (page: Page): Promise<void> => page.getByText('live', { exact: true }).waitFor();

describeWith(['chromium'], 'the stream in the page', () => {
  let browser: Browser;
  let page: Page;
  let context: BrowserContext;
  let misdeeds: Misdeeds;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterEach(() => context.close());
  afterAll(() => browser.close());

  const alarms = (project = 'p1'): string => `${api.url}/console#/alarms?project=${project}`;
  async function open(url = alarms()): Promise<void> {
    ({ page, context, misdeeds } = await openPage(browser, url));
    await isLive(page);
  }
  async function another(url = alarms()): Promise<Page> {
    const tab = await context.newPage();
    await tab.goto(url);
    await isLive(tab);
    return tab;
  }

  test('an alarm that fires is seen in the list and in the counts, without reloading', async () => {
    await open();
    await page.getByText('cpu high').waitFor();
    await setState('alarm');
    await seen(shows(page, 'alarm'));
    await seen(async () => expect(await page.getByRole('link', { name: 'alarm 1', exact: true }).count()).toBe(1));
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('a stream that a proxy refuses until a date is asked for again after a while, not at once', async () => {
    await open();
    const askedAt: number[] = [];
    await context.route('**/v1/stream*', (route) => {
      askedAt.push(performance.now());
      return route.fulfill({ status: 503, headers: { 'Retry-After': 'Sun, 29 Nov 2037 12:00:00 GMT' } });
    });
    await page.reload();
    await eventually(() => expect(askedAt.length).toBeGreaterThan(1));
    const [first = NaN, second = NaN] = askedAt;
    expect(second - first).toBeGreaterThan(900);
  });

  test('a refresh keeps the rows on screen where they are, and the focus in a row that moves', async () => {
    for (let n = 10; n < 40; n += 1) await api.create(thresholdBody({ name: `disk ${n}` }), MEMBER);
    await open(`${alarms()}&sort=state_since%3Aasc`);
    const first = page.locator('tbody a').first();
    const read = page.getByRole('link', { name: 'disk 30', exact: true });
    await page.evaluate('window.scrollTo(0, 700)');
    const place = Math.round((await read.boundingBox())?.y ?? 0);
    await api.clock.advance(60_000);
    await setState('ok');
    await seen(async () => expect(await first.textContent()).toBe('disk 10'));
    expect(Math.round((await read.boundingBox())?.y ?? 0)).toBe(place);
    await first.focus();
    await api.clock.advance(60_000);
    const [moved] = (await api.ask('GET', '/v2/alarms?q.field=name&q.value=disk+10', { as: MEMBER })).json<
      { alarm_id: string }[]
    >();
    await api.ask('PUT', `/v2/alarms/${moved?.alarm_id}/state`, { as: MEMBER, body: 'ok' });
    await seen(async () => expect(await first.textContent()).toBe('disk 11'));
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('disk 10');
  });

  test('seven tabs of one browser show the same, and have one stream', async () => {
    await open();
    const tabs = [page];
    for (let count = 1; count < 7; count += 1) tabs.push(await another());
    expect(api.openStreams()).toBe(1);
    await setState('alarm');
    for (const tab of tabs) await seen(shows(tab, 'alarm'));
    expect(api.openStreams()).toBe(1);
  });

  test('when the tab that holds the stream is closed, another one goes on after its last event', async () => {
    await open();
    const other = await another();
    const opened = other.waitForRequest(/\/v1\/stream/);
    await setState('ok');
    await seen(shows(other, 'ok'));
    await page.close();
    await setState('alarm');
    expect((await opened).url()).toMatch(/last_event_id=[0-9a-f]{10}-\d+-\d+$/);
    await seen(shows(other, 'alarm'));
    expect(api.openStreams()).toBe(1);
  });

  test('a tab that was frozen reads its list again when it comes back', async () => {
    await open();
    const other = await another();
    const debug = await context.newCDPSession(other);
    await debug.send('Page.setWebLifecycleState', { state: 'frozen' });
    await setState('alarm');
    await seen(shows(page, 'alarm'));
    await debug.send('Page.setWebLifecycleState', { state: 'active' });
    await seen(shows(other, 'alarm'));
  });

  test('tabs of different projects have streams of their own, and see nothing of each other', async () => {
    const foreign = await api.create(thresholdBody({ name: 'of p2' }), STRANGER);
    await open();
    const other = await another(alarms('p2'));
    expect(api.openStreams()).toBe(2);
    await setState('alarm');
    await seen(shows(page, 'alarm'));
    await api.ask('PUT', `/v2/alarms/${foreign}/state`, { as: STRANGER, body: 'ok' });
    await seen(async () => expect(await other.getByRole('row', { name: /ok.*of p2/i }).count()).toBe(1));
    expect(await other.getByText('cpu high').count()).toBe(0);
    expect(await page.getByText('of p2').count()).toBe(0);
  });

  test('the page says that it is not live while the service is away, and misses nothing', async () => {
    await open();
    await seen(async () => {
      await setState('ok');
      await shows(page, 'ok')();
    });
    const { port } = new URL(api.url);
    await api.close();
    await page.getByText('not live, trying again').waitFor();
    api = await startApi(db, { port: Number(port) });
    await setState('alarm');
    await isLive(page);
    await seen(shows(page, 'alarm'));
  });

  test('the page works when the service has too many streams, and is live as soon as there is room', async () => {
    await api.close();
    api = await startApi(db, { streamLimits: { inAll: 1 } });
    const other = await openEventStream(`${api.url}/v1/stream`, STRANGER);
    ({ page, context, misdeeds } = await openPage(browser, alarms()));
    await page.getByText('not live, trying again').waitFor();
    await page.getByText('cpu high').waitFor();
    other.close();
    await isLive(page);
    await setState('alarm');
    await seen(shows(page, 'alarm'));
  });

  test('without locks of the browser each tab has its own stream', async () => {
    await open();
    await context.addInitScript(NO_LOCKS);
    await page.reload();
    const other = await another();
    await eventually(() => expect(api.openStreams()).toBe(2));
    await setState('alarm');
    for (const tab of [page, other]) await seen(shows(tab, 'alarm'));
  });
});

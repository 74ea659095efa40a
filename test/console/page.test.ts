import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { describeWith } from '../support/servers.js';

/** The page in the name of the project of `MEMBER`. */
const ALARMS = '/console#/alarms?project=p1';
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

describeWith(['chromium'], 'the page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('/ sends a browser to the page, which lists the alarms of the project that the reader chooses', async () => {
    await api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page, context, misdeeds } = await openPage(browser, `${api.url}/`);
    await page.getByLabel('Project', { exact: true }).fill('p1');
    await page.getByLabel('Project', { exact: true }).press('Enter');
    await page.getByRole('cell', { name: 'cpu high' }).waitFor();
    expect(page.url()).toBe(`${api.url}${ALARMS}`);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('names with markup are shown as text', async () => {
    const name = '<img src=x onerror="document.title=1"><b>bold</b>';
    await api.create(thresholdBody({ name }), MEMBER);
    const { page, context, misdeeds } = await openPage(browser, api.url + ALARMS);
    await page.getByText(name).waitFor();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('the first view takes at most 100 KiB, and loads no module twice', async () => {
    const loaded: string[] = [];
    const sizes: Promise<number>[] = [];
    const observe = (page: Page): void => {
      page.on('requestfinished', (request) => {
        if (request.url().includes('/console')) loaded.push(request.url());
        sizes.push(request.sizes().then((each) => each.responseBodySize + each.responseHeadersSize));
      });
    };
    const { page, context } = await openPage(browser, api.url + ALARMS, { observe });
    await page.getByText('There are no alarms yet.').waitFor();
    const bytes = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
    expect(loaded).toContain(`${api.url}/console/shell/main.js`);
    expect(loaded.filter((address) => address.includes('uplot'))).toEqual([]);
    expect(loaded).toEqual([...new Set(loaded)]);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(100 * 1024);
    process.stderr.write(`first view: ${bytes} bytes in ${loaded.length} answers\n`);
    await context.close();
  });

  test('the navigation marks the view to which the view of one alarm belongs', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/alarm/none?project=p1`);
    await page.getByText('There is no such alarm').waitFor();
    const marked = page.getByRole('navigation', { name: 'Views' }).locator('[aria-current=page]');
    expect(await marked.allInnerTexts()).toEqual(['Alarms']);
    await context.close();
  });

  test('the keyboard alone reaches the content, past the navigation', async () => {
    const { page, context } = await openPage(browser, api.url + ALARMS);
    await page.getByRole('heading', { name: 'Alarms' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('content');
    await context.close();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone', size: PHONE }, { what: 'in the dark', dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      for (const severity of ['low', 'moderate', 'critical'])
        await api.create(thresholdBody({ name: severity, severity }), MEMBER);
      const { page, context } = await openPage(browser, api.url + ALARMS, options);
      await page.getByRole('cell', { name: 'critical' }).first().waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await context.close();
    },
  );
});

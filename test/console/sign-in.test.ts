import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import { openPage, PHONE, seriousFaults, startBrowser, type Misdeeds, type PageOptions } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';
import { PASSWORD, sessionsRig, type ApiProcess } from '../support/sessions-rig.js';

/** The address of a filtered list, which has no alarms. */
const WANTED = '/console#/alarms?severity=critical';
const EMPTY_LIST = 'No alarm matches this filter.';
const WRONG = 'Wrong credentials: the key, the token, or the name, password and project';

const rig = sessionsRig();

describeWith(['chromium'], 'signing in at the page', () => {
  let browser: Browser;
  let page: Page;
  let context: BrowserContext;
  let misdeeds: Misdeeds;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterEach(() => context.close());
  afterAll(() => browser.close());

  async function open(api: ApiProcess, options: PageOptions = {}): Promise<void> {
    ({ page, context, misdeeds } = await openPage(browser, api.url + WANTED, options));
  }
  const field = (label: string, tab = page) => tab.getByLabel(label, { exact: true });
  const submit = (tab = page): Promise<void> => tab.getByRole('button', { name: 'Sign in' }).click();
  async function signIn(key: string, tab = page): Promise<void> {
    await field('API key', tab).fill(key);
    await submit(tab);
    await tab.getByText(EMPTY_LIST).waitFor();
  }
  async function openSignedIn(role: 'reader' | 'member' | 'admin' = 'member') {
    const api = await rig.serve('apikey');
    const { id, key } = await rig.storedKey({ role });
    await open(api);
    await signIn(key);
    return { api, id, key };
  }

  test.each([
    { mode: 'apikey', method: 'the usual way', fill: (key: string) => ({ 'API key': key }), who: 'p1 member' },
    {
      mode: 'keystone',
      method: 'the usual way',
      fill: () => ({ Name: 'alice', Password: PASSWORD, Project: 'web' }),
      who: 'user one · project one member',
    },
    { mode: 'keystone', method: 'Token', fill: () => ({ Token: ' good\n' }), who: 'user one · project one member' },
    { mode: 'keystone+apikey', method: 'API key', fill: (key: string) => ({ 'API key': key }), who: 'p1 member' },
    {
      mode: 'keystone+apikey',
      method: 'Name and password',
      fill: () => ({ Name: 'alice', Password: PASSWORD, Project: 'web' }),
      who: 'user one · project one member',
    },
    {
      mode: 'keystone+apikey',
      method: 'Token',
      fill: () => ({ Token: ' good\n' }),
      who: 'user one · project one member',
    },
  ])('in auth.mode $mode, by $method, leads to what the address names', async ({ mode, method, fill, who }) => {
    const api = await rig.serve(mode);
    const { key } = await rig.storedKey();
    await open(api);
    if (method !== 'the usual way') await page.getByRole('radio', { name: method }).check();
    for (const [label, value] of Object.entries(fill(key))) await page.getByLabel(label).last().fill(value);
    await submit();
    await page.getByText(EMPTY_LIST).waitFor();
    expect(page.url()).toBe(api.url + WANTED);
    expect(await page.locator('.account > span').innerText()).toBe(who);
    expect(await field('Project').count()).toBe(0);
    // Browsers log each 401, also the expected one.
    expect(misdeeds.errors.filter((text) => !text.includes('401'))).toEqual([]);
  });

  test('is not needed in auth.mode noauth, where the project can be chosen', async () => {
    await open(await rig.serve('noauth'));
    await page.getByText(EMPTY_LIST).waitFor();
    expect(await field('Project').count()).toBe(1);
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    expect(misdeeds).toEqual({ errors: [], requestsElsewhere: [] });
  });

  test('with wrong credentials says so in the words of the service, and later when to try again', async () => {
    await open(await rig.serve('keystone+apikey', { failures: 1 }));
    await field('Name').fill('alice');
    await field('Password').fill('wrong');
    await submit();
    await page.getByText(WRONG).waitFor();
    expect(await field('Name').inputValue()).toBe('alice');
    await submit();
    await page.getByText('Too many failed authentications of this account').waitFor();
    await page.getByText(/^Try again after \d\d:\d\d:\d\d\.$/).waitFor();
  });

  test('and out again goes for all tabs of the browser, which keep their addresses', async () => {
    const { api, key } = await openSignedIn();
    const other = await context.newPage();
    await other.goto(`${api.url}/console#/alarms?state=ok`);
    await other.getByText('No alarm matches').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field('API key').waitFor();
    await field('API key', other).waitFor();
    expect(other.url()).toBe(`${api.url}/console#/alarms?state=ok`);
    await signIn(key);
    await other.getByText('No alarm matches').waitFor();
  });

  test('and out again leaves no draft in any tab, which can have secrets in it', async () => {
    const { api } = await openSignedIn();
    const other = await context.newPage();
    for (const tab of [page, other]) {
      await tab.goto(`${api.url}/console#/new?type=event`);
      await tab.getByLabel('Name').fill('secret');
    }
    const drafts = (): Promise<number[]> =>
      Promise.all([page, other].map((tab) => tab.evaluate<number>('sessionStorage.length')));
    expect(await drafts()).toEqual([1, 1]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    for (const tab of [page, other]) await field('API key', tab).waitFor();
    expect(await drafts()).toEqual([0, 0]);
  });

  test('is asked for when the session has ended while the page is open', async () => {
    const { api, id } = await openSignedIn();
    await page.getByText('live', { exact: true }).waitFor();
    await rig.revoke(id);
    await eventually(async () => {
      await rig.clock.advance(1_000);
      expect(await field('API key').count()).toBe(1);
    });
    expect(await page.getByText(EMPTY_LIST).count()).toBe(0);
    expect(page.url()).toBe(api.url + WANTED);
  });

  test('as a reader shows no button that changes something', async () => {
    await openSignedIn('reader');
    const names = await page.getByRole('button').allInnerTexts();
    expect(names).toEqual(['Sign out', 'Refresh']);
    expect(
      await page
        .locator('main :is(a, button)')
        .filter({ hasText: /new|create|silence|replay/i })
        .count(),
    ).toBe(0);
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      await open(await rig.serve('keystone+apikey'), options);
      await submit();
      await page.getByRole('radio', { name: 'Token' }).check();
      await page.locator('[name=token]').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    },
  );
});

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Page, Request } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, READER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { describeWith } from '../support/servers.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };
const VALUES = '**/v1/alarms/values';
/** Before the clock of the service, which the page cannot know. */
const SPAN = { start: '2026-01-01T10:00:00Z', stop: '2026-01-01T11:00:00Z' };

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
    timestamp: new Date(Date.parse(SPAN.start) + minute * 60_000).toISOString(),
  }));
  await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: samples });
  const body = thresholdBody({
    name: 'cpu high',
    description: 'kept',
    alarm_actions: ['http://receiver.example.com/hook'],
    tocsin: { clear_threshold: 70 },
  });
  id = await api.create(body, MEMBER);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const editAddress = (): string => `${api.url}/console#/edit/${id}?project=p1`;
const newAddress = (type: string): string => `${api.url}/console#/new?project=p1&type=${type}`;
const stored = async (): Promise<Record<string, unknown>> =>
  (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
}
/** Lets drafts be evaluated over a span in the past of the service. */
async function inThePast(page: Page): Promise<void> {
  await page.route(VALUES, (route) => {
    const body = route.request().postDataJSON() as object;
    return route.continue({ postData: JSON.stringify({ ...body, ...SPAN }) });
  });
}
const observe = (page: Page): void => void inThePast(page);

describeWith(['chromium'], 'the form of a stored alarm in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  test('says what will change, saves that, and keeps what it does not know', async () => {
    const { page, context, misdeeds } = await openPage(browser, `${api.url}/console#/alarm/${id}?project=p1`);
    const sent: unknown[] = [];
    await page.route(`**/v2/alarms/${id}`, async (route) => {
      if (route.request().method() === 'PUT') {
        const { of_a_later_release: unknown, ...body } = route.request().postDataJSON() as Record<string, unknown>;
        sent.push(unknown);
        return route.continue({ postData: JSON.stringify(body) });
      }
      const answer = await route.fetch();
      return route.fulfill({ response: answer, json: { ...(await answer.json()), of_a_later_release: { a: [1] } } });
    });
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByLabel('Threshold *').fill('85.5');
    await page.getByRole('button', { name: 'Save' }).click();
    const changes = page.getByRole('dialog').getByRole('listitem');
    expect(await changes.allTextContents()).toEqual(['threshold_rule.threshold 80 → 85.5']);
    const before = await stored();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('> 85.5').first().waitFor();
    expect(await stored()).toEqual({
      ...before,
      timestamp: expect.any(String),
      // As in Aodh: of who changed it last.
      user_id: 'default',
      threshold_rule: { ...(before['threshold_rule'] as object), threshold: 85.5 },
    });
    expect(sent).toEqual([{ a: [1] }]);
    expect(misdeeds.requestsElsewhere).toEqual([]);
    await context.close();
  });

  test.each([
    { choice: 'Keep my changes', name: 'renamed', threshold: 85 },
    { choice: 'Discard my changes', name: 'renamed', threshold: 80 },
  ])(
    'an alarm that has changed since is shown with what changed; "$choice" goes on',
    async ({ choice, ...expected }) => {
      const { page, context } = await openPage(browser, editAddress());
      await page.getByLabel('Threshold *').fill('85');
      const { name: _, ...others } = await stored();
      await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: { ...others, name: 'renamed' } });
      await save(page);
      await page.getByText('The alarm has changed since you opened it').waitFor();
      expect(await page.locator('.conflict li').allTextContents()).toEqual(['name cpu high → renamed']);
      await page.getByRole('button', { name: choice }).click();
      expect(await page.getByLabel('Name *').inputValue()).toBe('renamed');
      expect(await page.getByLabel('Threshold *').inputValue()).toBe(String(expected.threshold));
      if (choice.startsWith('Keep')) {
        await save(page);
        await page.waitForURL(/#\/alarm\//);
      } else {
        expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
      }
      const { name, threshold_rule: rule } = await stored();
      expect({ name, threshold: (rule as { threshold: number }).threshold }).toEqual(expected);
      await context.close();
    },
  );

  test('a change by another user is shown at once, before the draft is saved', async () => {
    const { page, context, misdeeds } = await openPage(browser, editAddress(), { observe });
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByLabel('Threshold *').fill('85');
    const before = await stored();
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: { ...before, severity: 'critical' } });
    await page.getByText('The alarm has changed since you opened it').waitFor();
    expect(await page.locator('.conflict li').allTextContents()).toEqual(['severity low → critical']);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('what was written survives a reload, and can be discarded', async () => {
    const { page, context, misdeeds } = await openPage(browser, editAddress(), { observe });
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    await page.getByLabel('Name *').fill('a better');
    // Browsers ask only if keys were pressed.
    await page.getByLabel('Name *').press('End');
    await page.getByLabel('Name *').pressSequentially(' name');
    await page.reload();
    await page.getByText('unsaved changes').waitFor();
    expect(asked).toEqual(['beforeunload']);
    expect(await page.getByLabel('Name *').inputValue()).toBe('a better name');
    await page.getByRole('button', { name: 'Discard them' }).click();
    expect(await page.getByLabel('Name *').inputValue()).toBe('cpu high');
    await page.reload();
    await page.getByLabel('Name *').waitFor();
    expect(await page.getByText('unsaved changes').count()).toBe(0);
    expect(misdeeds).toEqual(NO_MISDEEDS);
    await context.close();
  });

  test('a copy is a new alarm with the same fields', async () => {
    const { page, context } = await openPage(browser, `${api.url}/console#/new?project=p1&copy=${id}`);
    await page.getByLabel('Description').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'cpu high (copy)' }).waitFor();
    const alarms = (await api.ask('GET', '/v2/alarms', { as: MEMBER })).json<Record<string, unknown>[]>();
    expect(alarms.map(({ description, tocsin }) => ({ description, tocsin }))).toEqual(
      Array(2).fill({ description: 'kept', tocsin: { clear_threshold: 70 } }),
    );
    await context.close();
  });

  test('the draft is evaluated while it is typed; a newer draft cancels the request of the last', async () => {
    const { page, context, misdeeds } = await openPage(browser, newAddress('threshold'), { observe });
    await page.getByText('Shown once the mandatory fields have values. Missing: Meter.').waitFor();
    await page.getByLabel('Meter *').fill('cpu');
    await page.getByLabel('Threshold *').fill('80');
    await page.getByRole('button', { name: 'Add to Actions on alarm' }).click();
    await page.getByRole('textbox', { name: 'Actions on alarm 1' }).fill('http://receiver.example.com/');
    await page
      .getByText(/It would have fired once .* in alarm for \d+ min\..* It would have sent 1 notification\./)
      .waitFor();
    await page.locator('.u-over').waitFor();
    let held: (request: Request) => void = () => undefined;
    const arrived = new Promise<Request>((resolve) => (held = resolve));
    await page.route(VALUES, (route) => held(route.request()), { times: 1 });
    const cancelled = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/v1/alarms/values'));
    await page.getByLabel('Threshold *').fill('95');
    await arrived;
    await page.getByLabel('Threshold *').fill('99');
    expect((await cancelled).failure()?.errorText).toContain('ABORTED');
    await page.getByText('It would not have fired in the last 24 hours.').waitFor();
    expect((await api.ask('GET', '/v2/alarms', { as: MEMBER })).json()).toHaveLength(1);
    expect(misdeeds.requestsElsewhere).toEqual([]);
    await context.close();
  });

  test.each([
    { type: 'event', text: 'No stored event matched', fields: {} },
    {
      type: 'prometheus',
      text: "Not known: Invalid input for field/attribute type. Value: 'prometheus'. No prometheus backend",
      fields: { 'Query *': 'up', 'Threshold *': '1' },
    },
  ])('for a draft of type $type it says plainly what is not known', async ({ type, text, fields }) => {
    const { page, context } = await openPage(browser, newAddress(type), { observe });
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
    await page.getByText(text).waitFor();
    await context.close();
  });

  test('readers get no form', async () => {
    const { page, context } = await openPage(browser, editAddress(), {
      observe: (opened) =>
        void opened.route('**/v*/**', (route) =>
          route.continue({ headers: { ...route.request().headers(), ...READER } }),
        ),
    });
    await page.getByText('You may read alarms, but not change them.').waitFor();
    await context.close();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const { page, context } = await openPage(browser, editAddress(), { ...options, observe });
      await page.locator('.u-over').waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await seriousFaults(page)).toEqual([]);
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await context.close();
    },
  );
});

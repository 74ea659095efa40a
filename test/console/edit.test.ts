import { beforeEach, expect, test } from '@jest/globals';
import type { Page, Request } from 'playwright-core';

import { MEMBER, READER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { HOUR, startPageRig, storeHourOfCpu } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const VALUES = '**/v1/alarms/values';

const rig = startPageRig();
let id: string;

beforeEach(async () => {
  await storeHourOfCpu(rig.api);
  const body = thresholdBody({
    name: 'cpu high',
    description: 'kept',
    alarm_actions: ['http://receiver.example.com/hook'],
    tocsin: { clear_threshold: 70 },
  });
  id = await rig.api.create(body, MEMBER);
});

const editAddress = (): string => `edit/${id}?project=p1`;
const newAddress = (type: string): string => `new?project=p1&type=${type}`;
const stored = async (): Promise<Record<string, unknown>> =>
  (await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
}
/** Lets drafts be evaluated over a span in the past of the service. */
async function inThePast(page: Page): Promise<void> {
  await page.route(VALUES, (route) => {
    const body = route.request().postDataJSON() as object;
    return route.continue({ postData: JSON.stringify({ ...body, ...HOUR }) });
  });
}
const observe = (page: Page): void => void inThePast(page);

describeWith(['chromium'], 'the form of a stored alarm in Chromium', () => {
  test('says what will change, saves that, and keeps what it does not know', async () => {
    const { page, misdeeds } = await rig.open(`alarm/${id}?project=p1`);
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
  });

  test.each([
    { choice: 'Keep my changes', name: 'renamed', threshold: 85 },
    { choice: 'Discard my changes', name: 'renamed', threshold: 80 },
  ])(
    'an alarm that has changed since is shown with what changed; "$choice" goes on',
    async ({ choice, ...expected }) => {
      const { page } = await rig.open(editAddress());
      await page.getByLabel('Threshold *').fill('85');
      const { name: _, ...others } = await stored();
      await rig.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: { ...others, name: 'renamed' } });
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
    },
  );

  test('a change by another user is shown at once, before the draft is saved', async () => {
    const { page, misdeeds } = await rig.open(editAddress(), { observe });
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByLabel('Threshold *').fill('85');
    const before = await stored();
    await rig.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: { ...before, severity: 'critical' } });
    const conflict = page.getByText('The alarm has changed since you opened it');
    await rig.until(async () => expect(await conflict.count()).toBe(1));
    expect(await page.locator('.conflict li').allTextContents()).toEqual(['severity low → critical']);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('what was written survives a reload, and can be discarded', async () => {
    const { page, misdeeds } = await rig.open(editAddress(), { observe });
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
  });

  test('a copy is a new alarm with the same fields', async () => {
    const { page } = await rig.open(`new?project=p1&copy=${id}`);
    await page.getByLabel('Description').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'cpu high (copy)' }).waitFor();
    const alarms = (await rig.api.ask('GET', '/v2/alarms', { as: MEMBER })).json<Record<string, unknown>[]>();
    expect(alarms.map(({ description, tocsin }) => ({ description, tocsin }))).toEqual(
      Array(2).fill({ description: 'kept', tocsin: { clear_threshold: 70 } }),
    );
  });

  test('the draft is evaluated while it is typed; a newer draft cancels the request of the last', async () => {
    const { page, misdeeds } = await rig.open(newAddress('threshold'), { observe });
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
    expect((await rig.api.ask('GET', '/v2/alarms', { as: MEMBER })).json()).toHaveLength(1);
    expect(misdeeds.requestsElsewhere).toEqual([]);
  });

  test.each([
    { type: 'event', text: 'No stored event matched', fields: {} },
    {
      type: 'prometheus',
      text: "Not known: Invalid input for field/attribute type. Value: 'prometheus'. No prometheus backend",
      fields: { 'Query *': 'up', 'Threshold *': '1' },
    },
  ])('for a draft of type $type it says plainly what is not known', async ({ type, text, fields }) => {
    const { page } = await rig.open(newAddress(type), { observe });
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
    await page.getByText(text).waitFor();
  });

  test('readers get no form', async () => {
    const { page } = await rig.open(editAddress(), {
      observe: (opened) =>
        void opened.route('**/v*/**', (route) =>
          route.continue({ headers: { ...route.request().headers(), ...READER } }),
        ),
    });
    await page.getByText('You may read alarms, but not change them.').waitFor();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const { page } = await rig.open(editAddress(), { ...options, observe });
      await page.locator('.u-over').waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await seriousFaults(page)).toEqual([]);
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  );
});

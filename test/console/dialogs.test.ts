import { beforeEach, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';

import { ADMIN, MEMBER, thresholdBody } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';
import { storeNumbered } from '../support/stored-notifications.js';

const rig = startPageRig();
let alarmId: string;

const enter = (locator: Locator): Promise<void> => locator.press('Enter');
/** Presses the button that acts. */
const press = (dialog: Locator): Promise<void> => dialog.locator('button.primary, button.danger').click();

/** A dialog: where it is, the button that opens it, how it is sent, and what has the focus then. */
interface DialogCase {
  title: string;
  address: string;
  /** Makes what the view shows. */
  given?: () => Promise<unknown>;
  opener: string;
  fill?: (dialog: Locator, page: Page) => Promise<unknown>;
  focused: string;
}

const silence = (): Promise<unknown> =>
  rig.api.ask('POST', '/v1/silences', {
    as: MEMBER,
    body: { matchers: [{ field: 'name', value: '*' }], ends_at: '2099-01-01T00:00:00Z', reason: 'move', owner: 'web' },
  });
const pause = (): Promise<unknown> => rig.api.ask('PUT', '/v1/delivery-pauses/p1', { as: ADMIN, body: {} });
const storeDead = (): Promise<unknown> =>
  storeNumbered(rig.db, 'n', 2, {
    status: 'dead',
    attempt: 11,
    finishedAt: new Date(NOON.getTime() - 1_000),
    projectId: 'p1',
  });

const CASES: DialogCase[] = [
  {
    title: 'a silence of an alarm',
    address: 'alarm/ID',
    opener: 'Silence',
    fill: async (dialog) => {
      await dialog.getByLabel('Owner').fill('web');
      await dialog.getByLabel('Reason').fill('move');
    },
    focused: 'Silence',
  },
  {
    title: 'a test of an alarm',
    address: 'alarm/ID',
    opener: 'Test-fire',
    fill: (dialog) => dialog.getByLabel(/Type the name/).fill('cpu high'),
    focused: 'Test-fire',
  },
  { title: 'the question before an alarm is disabled', address: 'alarm/ID', opener: 'Disable', focused: 'Enable' },
  { title: 'the question before an alarm is deleted', address: 'alarm/ID', opener: 'Delete', focused: 'Alarms' },
  {
    title: 'the question before the only silence of an alarm is ended',
    address: 'alarm/ID',
    given: silence,
    opener: 'End now',
    focused: 'cpu high',
  },
  {
    title: 'the question before the only silence of a list is ended',
    address: 'silences',
    given: silence,
    opener: 'End now',
    focused: 'Silences',
  },
  {
    title: 'a pause',
    address: 'notifications',
    opener: 'Pause deliveries …',
    focused: 'Pause deliveries …',
  },
  { title: 'a changed pause', address: 'notifications', given: pause, opener: 'Change …', focused: 'Change …' },
  { title: 'the end of a pause', address: 'notifications', given: pause, opener: 'Resume …', focused: 'Notifications' },
  {
    title: 'a replay, whose button is disabled meanwhile',
    address: 'notifications?status=dead',
    given: storeDead,
    opener: 'Send all dead again …',
    fill: (dialog) => dialog.getByText('2 notifications').waitFor(),
    focused: 'Notifications',
  },
  {
    title: 'the question before an edit is saved',
    address: 'edit/ID',
    fill: (dialog) => dialog.getByText('renamed').waitFor(),
    opener: 'Save',
    focused: 'renamed',
  },
];

describeWith(['chromium'], 'the focus after a dialog', () => {
  beforeEach(async () => {
    const body = thresholdBody({ name: 'cpu high', alarm_actions: ['http://127.0.0.1:9/'] });
    alarmId = await rig.api.create(body, MEMBER);
  });

  async function opened({ address, given, opener, fill }: DialogCase): Promise<{ page: Page; dialog: Locator }> {
    await given?.();
    const [view = '', query] = address.replace('ID', alarmId).split('?');
    const { page } = await rig.open(`${view}?${query === undefined ? '' : `${query}&`}project=p1`);
    if (view.startsWith('edit')) await page.getByLabel('Name *', { exact: true }).fill('renamed');
    await enter(page.getByRole('button', { name: opener, exact: true }));
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await fill?.(dialog, page);
    return { page, dialog };
  }

  /** Waits until an element with this text has the focus. */
  async function expectFocus(page: Page, text: string): Promise<void> {
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator(':focus').filter({ hasText: text }).filter({ hasNotText: 'Skip' }).waitFor();
    expect(await page.locator(':focus').evaluate((element) => /^(button|h1|h2)$/i.test(element.tagName))).toBe(true);
  }

  test.each(CASES)('of $title, sent by its button, is on “$focused”', async (one) => {
    const { page, dialog } = await opened(one);
    await press(dialog);
    await expectFocus(page, one.focused);
  });

  test.each(CASES.filter(({ fill }) => fill !== undefined).slice(0, 2))(
    'of $title, sent by Enter in a field, is on “$focused”',
    async (one) => {
      const { page, dialog } = await opened(one);
      await enter(dialog.getByRole('textbox').first());
      await expectFocus(page, one.focused);
    },
  );

  test.each([{ key: 'Escape' }, { key: 'Cancel' }])(
    'that is closed by $key is on its button again',
    async ({ key }) => {
      const { page, dialog } = await opened(CASES[0]!);
      if (key === 'Cancel') await dialog.getByRole('button', { name: key }).click();
      else await page.keyboard.press(key);
      await expectFocus(page, 'Silence');
    },
  );

  test('is left alone once the user presses a place that takes no focus', async () => {
    const { page, dialog } = await opened(CASES[0]!);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expectFocus(page, 'Silence');
    await page.locator('header .live').click();
    const focused = (): Promise<string> => page.evaluate('document.activeElement.tagName');
    expect(await focused()).toBe('BODY');
    // As a live update changes the page.
    await page.evaluate('document.body.append(document.createElement("p"))');
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
    expect(await focused()).toBe('BODY');
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';

import type { Identity } from '../../src/api/identity/identity.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { openPage, PHONE, seriousFaults, startBrowser, type OpenPage } from '../support/browser.js';
import { anyDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startReceiver, type Answer, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { storeNotification } from '../support/stored-notifications.js';

const NO_MISDEEDS = { errors: [], requestsElsewhere: [] };
/** Longer than any test: only the fake clock would end it. */
const ENDLESS_MS = 1_000_000_000;
const FAR = '2099-01-01T00:00:00Z';
const OWN_PROJECT = { userId: 'night shift', projectId: 'p1' } as const;
/** The role of each user of the page. An admin of all projects is one of another project here. */
const READERS: Readonly<Record<'reader' | 'member' | 'admin', Identity>> = {
  reader: { ...OWN_PROJECT, role: 'reader' },
  member: { ...OWN_PROJECT, role: 'member' },
  admin: { userId: 'root', projectId: 'ops', role: 'admin' },
};

let db: Database;
let api: TestApi;
let notifier: NotifierRig;
let receiver: Receiver;
let answer: Answer;
let identity: Identity;
let id: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, {
    authenticate: async () => identity,
    testWaitMs: ENDLESS_MS,
    onWake: () => notifier.waker.wake(1),
  });
  const rules = { attemptTimeoutMs: ENDLESS_MS, connectTimeoutMs: ENDLESS_MS, claimMs: 3 * ENDLESS_MS };
  notifier = startNotifier(db, { clock: api.clock, rules });
  receiver = await startReceiver((request, response) => answer(request, response));
});
beforeEach(async () => {
  await empty(db);
  identity = READERS.member;
  answer = (_, response) => void response.writeHead(204).end();
  id = await api.create(
    thresholdBody({ name: 'cpu high', alarm_actions: [`${receiver.url}/up`, `${receiver.url}/page`] }),
    MEMBER,
  );
});
afterAll(async () => {
  await api.close();
  await notifier.stop();
  await receiver.close();
  await db.close();
});

interface SilenceBody {
  matchers: unknown;
  ends_at: string;
  reason: string;
  owner: string;
}

type StoredSilence = SilenceBody & { id: string; project_ids: string[]; status: string };

async function silences(): Promise<StoredSilence[]> {
  return (await api.ask('GET', '/v1/silences')).json<{ silences: StoredSilence[] }>().silences;
}

describeWith(['chromium'], 'the buttons of one alarm in Chromium', () => {
  let browser: Browser;
  let opened: OpenPage | undefined;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterEach(async () => {
    await opened?.context.close();
    opened = undefined;
  });
  afterAll(() => browser.close());

  async function open(options?: Parameters<typeof openPage>[2]): Promise<Page> {
    opened = await openPage(browser, `${api.url}/console#/alarm/${id}?span=1h&until=2026-01-01T11:00:00Z`, options);
    await opened.page.getByRole('heading', { name: 'cpu high' }).waitFor();
    await opened.page.getByText(/created by/).waitFor();
    return opened.page;
  }

  const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });
  const dialog = (page: Page): Locator => page.getByRole('dialog');

  test('a reader sees no button that changes something', async () => {
    await storeNotification(db, { id: 'n', alarmId: id, projectId: 'p1', status: 'dead' });
    identity = READERS.reader;
    const page = await open();
    await page.locator('summary').filter({ hasText: 'dead' }).click();
    await page.getByText('No attempt yet.').waitFor();
    for (const name of ['Silence', 'Test-fire', 'Disable', 'Delete', 'Send again'])
      expect([name, await button(page, name).count()]).toEqual([name, 0]);
    expect(opened?.misdeeds).toEqual(NO_MISDEEDS);
  });

  describe('Delete', () => {
    test('is refused for an alarm that was edited since the dialog was opened', async () => {
      const page = await open();
      await button(page, 'Delete').click();
      await api.clock.advance(1_000);
      await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ name: 'renamed' }) });
      await dialog(page).getByRole('button', { name: 'Delete' }).click();
      await page.getByText('The alarm has changed since you opened it').waitFor();
      expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).toMatchObject({ name: 'renamed' });
    });

    test('works for an alarm whose state has changed since', async () => {
      const page = await open();
      await button(page, 'Delete').click();
      await api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'alarm' });
      await dialog(page).getByRole('button', { name: 'Delete' }).click();
      await page.getByText('There are no alarms yet.').waitFor();
      expect((await api.ask('GET', `/v2/alarms/${id}`)).status).toBe(404);
    });
  });

  describe('Silence', () => {
    test('shows what it holds, takes one click, a reason and an owner, and can be ended from the alarm', async () => {
      await storeNotification(db, {
        id: 'n',
        alarmId: id,
        projectId: 'p1',
        status: 'pending',
        nextAttemptAt: new Date(FAR),
      });
      const page = await open();
      await button(page, 'Silence').click();
      await dialog(page).getByText('It holds 1 alarm.').waitFor();
      await dialog(page).getByText('1 notification already waits and is still sent.').waitFor();
      await dialog(page).getByRole('button', { name: '4 hours' }).click();
      await dialog(page).getByLabel('Reason').fill('disk swap');
      expect(await dialog(page).getByLabel('Owner').inputValue()).toBe('night shift');
      await dialog(page).getByRole('button', { name: 'Silence' }).click();
      const notice = page.getByRole('region', { name: 'Silences' });
      await notice.getByText('disk swap').waitFor();
      const [made] = await silences();
      expect(made).toMatchObject({
        matchers: [{ field: 'alarm_id', value: id }],
        reason: 'disk swap',
        owner: 'night shift',
        project_ids: ['p1'],
      });
      await button(page, 'End now').click();
      await dialog(page).getByText('It holds: The alarm cpu high.').waitFor();
      await dialog(page).getByRole('button', { name: 'End now' }).click();
      await notice.waitFor({ state: 'detached' });
      expect(await silences()).toMatchObject([{ status: 'ended' }]);
      expect(opened?.misdeeds).toEqual(NO_MISDEEDS);
    });

    test('without a reason is refused beside the field, and nothing is made', async () => {
      const page = await open();
      await button(page, 'Silence').click();
      // Its field has seconds, which the browser must accept.
      await dialog(page).getByRole('button', { name: 'another end' }).click();
      await dialog(page).getByRole('button', { name: 'Silence' }).click();
      await dialog(page).locator('.field.wrong').getByText('This field is mandatory.').waitFor();
      expect(await dialog(page).locator('.field.wrong').innerText()).toContain('Reason');
      expect(await silences()).toEqual([]);
    });

    test('until tomorrow 8:00 and until another end count in the zone of the user', async () => {
      const page = await open();
      await button(page, 'Silence').click();
      await dialog(page).getByRole('button', { name: 'until tomorrow 8:00' }).click();
      await dialog(page).getByRole('button', { name: 'another end' }).click();
      const field = dialog(page).getByLabel('Ends at (your time)');
      expect(await field.inputValue()).toMatch(/T08:00/);
      await field.fill('2099-07-01T08:30');
      await dialog(page).getByLabel('Reason').fill('r');
      await dialog(page).getByRole('button', { name: 'Silence' }).click();
      await page.getByRole('region', { name: 'Silences' }).waitFor();
      expect(await silences()).toMatchObject([{ ends_at: '2099-07-01T06:30:00Z' }]);
    });

    test('by an admin of all projects belongs to the project of the alarm', async () => {
      identity = READERS.admin;
      const page = await open();
      await button(page, 'Silence').click();
      await dialog(page).getByText('It holds 1 alarm.').waitFor();
      await dialog(page).getByLabel('Reason').fill('r');
      await dialog(page).getByRole('button', { name: 'Silence' }).click();
      await page.getByRole('region', { name: 'Silences' }).waitFor();
      expect(await silences()).toMatchObject([{ project_ids: ['p1'] }]);
    });

    test('that an admin made for the project is shown to a member without the button that ends it', async () => {
      identity = READERS.admin;
      const body = { matchers: [{ field: 'name', value: '*' }], ends_at: FAR, reason: 'move', owner: 'ops' };
      await api.ask('POST', '/v1/silences', { body: { ...body, project_ids: ['p1'] } });
      identity = READERS.member;
      const page = await open();
      await page.getByText('Alarms whose name matches “*”').waitFor();
      expect(await button(page, 'End now').count()).toBe(0);
    });
  });

  describe('Test-fire', () => {
    /** Moves the clock of the API, which looks for the outcomes, until the page shows this. */
    async function shown(what: Locator): Promise<void> {
      await eventually(async () => {
        await api.clock.advance(1_000);
        if (!(await what.isVisible())) throw new Error('the outcome of the test is not shown');
      });
    }

    test('calls the chosen receiver once the name is typed, and shows what it answered', async () => {
      answer = (_, response) => void response.writeHead(403).end('no such policy');
      const page = await open();
      await button(page, 'Test-fire').click();
      await dialog(page).getByText('a real Heat really scales').waitFor();
      await dialog(page)
        .getByRole('checkbox', { name: `${receiver.url}/up` })
        .uncheck();
      const send = dialog(page).getByRole('button', { name: 'Send the test' });
      const name = dialog(page).getByRole('textbox', { name: 'Type the name of the alarm' });
      const wrong = dialog(page).locator('.wrong');
      await send.click();
      await wrong.getByText('This field is mandatory.').waitFor();
      await name.fill('cpu hig');
      await wrong.getByText('This is another name.').waitFor();
      await send.click();
      await dialog(page)
        .getByRole('checkbox', { name: `${receiver.url}/page` })
        .uncheck();
      await send.click();
      await wrong.getByText('Choose an action.').waitFor();
      await dialog(page)
        .getByRole('checkbox', { name: `${receiver.url}/page` })
        .check();
      expect(receiver.requests).toEqual([]);
      await dialog(page).getByLabel('Type the name of the alarm').fill('cpu high');
      await send.click();
      const outcome = page.getByRole('region', { name: 'Outcome of the test' });
      await shown(outcome);
      expect(await outcome.innerText()).toMatch(/dead.*\/page[^]*rejected · HTTP 403 · \d+ ms/);
      expect(await outcome.getByText('the answer').count()).toBe(0);
      expect(receiver.requests.map(({ target, headers }) => [target, headers['tocsin-test']])).toEqual([
        ['/page', 'true'],
      ]);
      expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).toMatchObject({ state: 'insufficient data' });
      expect(opened?.misdeeds).toEqual(NO_MISDEEDS);
    });

    test('calls the receiver that was chosen, also if an edit has moved it in the list since', async () => {
      const page = await open();
      await button(page, 'Test-fire').click();
      await dialog(page)
        .getByRole('checkbox', { name: `${receiver.url}/up` })
        .uncheck();
      const moved = { name: 'cpu high', alarm_actions: [`${receiver.url}/page`, `${receiver.url}/up`] };
      await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody(moved) });
      await dialog(page).getByLabel('Type the name of the alarm').fill('cpu high');
      const before = receiver.requests.length;
      await dialog(page).getByRole('button', { name: 'Send the test' }).click();
      await shown(page.getByRole('region', { name: 'Outcome of the test' }));
      expect(receiver.requests.slice(before).map(({ target }) => target)).toEqual(['/page']);
    });
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'the dialogs have no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const page = await open(options);
      for (const name of ['Silence', 'Test-fire', 'Delete']) {
        await button(page, name).click();
        await dialog(page).waitFor();
        expect(await seriousFaults(page)).toEqual([]);
        await page.keyboard.press('Escape');
        await dialog(page).waitFor({ state: 'detached' });
      }
    },
  );
});

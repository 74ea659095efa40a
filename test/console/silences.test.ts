import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';

import type { Identity } from '../../src/api/identity/identity.js';
import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults, type Misdeeds, type PageOptions } from '../support/browser.js';
import { startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startPageRig } from '../support/page-rig.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { storeNotification } from '../support/stored-notifications.js';

const FAR = '2099-01-01T00:00:00Z';
const MEMBER_OF_P1: Identity = { userId: 'night shift', projectId: 'p1', role: 'member' };
const READER_OF_P1: Identity = { ...MEMBER_OF_P1, role: 'reader' };
const ADMIN_OF_ALL: Identity = { userId: 'root', projectId: 'ops', role: 'admin' };
const MAINTENANCE = {
  matchers: [{ field: 'name', value: 'web-*' }],
  ends_at: FAR,
  reason: 'kernel update',
  owner: 'web team',
};

type SilenceJson = Record<string, unknown> & { id: string };

let identity: Identity;
const rig = startPageRig({ authenticate: async () => identity });
beforeEach(() => {
  identity = MEMBER_OF_P1;
});

async function make(fields: Record<string, unknown> = {}): Promise<string> {
  const answer = await rig.api.ask('POST', '/v1/silences', { body: { ...MAINTENANCE, ...fields } });
  expect([answer.status, answer.fault]).toEqual([201, undefined]);
  return answer.json<SilenceJson>().id;
}

const stored = async (): Promise<SilenceJson[]> =>
  (await rig.api.ask('GET', '/v1/silences')).json<{ silences: SilenceJson[] }>().silences;

describeWith(['chromium'], 'the view of silences in Chromium', () => {
  let misdeeds: Misdeeds;

  async function open(address: string, options?: PageOptions): Promise<Page> {
    const opened = await rig.open(address, options);
    misdeeds = opened.misdeeds;
    return opened.page;
  }
  /** Waits for something that only an event of the stream shows. */
  const streamed = (what: Locator): Promise<void> =>
    rig.until(async () => expect(await what.count()).toBeGreaterThan(0));

  const row = (page: Page, text: string): Locator => page.getByRole('row').filter({ hasText: text });
  const link = (page: Page, name: string): Locator => page.getByRole('link', { name, exact: true });

  test('each status is a tab with its silences in words, and a silence that is made appears by itself', async () => {
    const id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    await make({ matchers: [{ field: 'alarm_id', value: id }], reason: 'disk swap' });
    await make({ starts_at: '2098-12-31T00:00:00Z', reason: 'move' });
    const page = await open('silences');
    await row(page, 'disk swap').getByText('The alarm cpu high').waitFor();
    // Each number is an answer of its own.
    await rig.until(async () =>
      expect(await page.getByRole('navigation', { name: 'Status' }).innerText()).toMatch(
        /active\s*1\s*planned\s*1\s*ended\s*0/,
      ),
    );
    await link(page, 'planned 1').click();
    await row(page, 'move').getByText('Alarms whose name matches “web-*”').waitFor();
    await make({ starts_at: '2098-12-30T00:00:00Z', reason: 'another' });
    await streamed(row(page, 'another'));
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('the form shows which alarms it would hold while the matchers are typed', async () => {
    const id = await rig.api.create(thresholdBody({ name: 'web-1', severity: 'critical' }), MEMBER);
    await rig.api.create(thresholdBody({ name: 'web-2' }), MEMBER);
    await rig.api.create(thresholdBody({ name: 'db-1' }), MEMBER);
    await storeNotification(rig.db, { id: 'n', alarmId: id, projectId: 'p1', nextAttemptAt: new Date(FAR) });
    const page = await open('silences/new');
    const preview = page.getByRole('region', { name: 'Preview' });
    await page.getByRole('textbox', { name: 'Value' }).fill('web-*');
    await preview.getByText('It holds 2 alarms. 1 notification already waits and is still sent.').waitFor();
    await page.getByRole('button', { name: 'and …' }).click();
    await preview.getByText('It holds 1 alarm.').waitFor();
    expect(await preview.getByRole('link').allInnerTexts()).toEqual(['web-1']);
    expect(await stored()).toEqual([]);
    await page.getByLabel('Reason').fill('kernel update');
    await page.getByRole('button', { name: '1 hour' }).click();
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page
      .getByRole('heading', { name: 'Alarms whose name matches “web-*” and whose severity is critical' })
      .waitFor();
    expect(await stored()).toMatchObject([
      {
        matchers: [
          { field: 'name', value: 'web-*' },
          { field: 'severity', value: 'critical' },
        ],
        reason: 'kernel update',
        owner: 'night shift',
        project_ids: ['p1'],
      },
    ]);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('what the service refuses stands beside its field', async () => {
    const page = await open('silences/new');
    await page.getByRole('textbox', { name: 'Value' }).fill('web-*');
    await page.getByRole('button', { name: 'recurring' }).click();
    await page.getByLabel('Time zone').fill('Mars/Olympus');
    const wrong = page.locator('.wrong');
    await wrong.getByText('Time zone').waitFor();
    await page.getByLabel('Time zone').fill('Europe/Berlin');
    await page.getByLabel('Opens at (cron)').fill('99 * * * *');
    await wrong.getByText('Opens at (cron)').waitFor();
    await page.getByLabel('Opens at (cron)').fill('0 2 * * *');
    await wrong.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await wrong.getByText('Reason').waitFor();
    await wrong.getByText('This field is mandatory.').waitFor();
    expect(await stored()).toEqual([]);
  });

  test('a change keeps what the user does not touch, and the silence says who changed what', async () => {
    const id = await make({ starts_at: '2025-12-31T10:00:00.123456Z' });
    const page = await open(`silences/${id}`);
    await link(page, 'Change').click();
    await page.getByLabel('Reason').fill('kernel update, second try');
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByText('changed by night shift: reason').waitFor();
    expect(await stored()).toMatchObject([
      { ...MAINTENANCE, reason: 'kernel update, second try', starts_at: '2025-12-31T10:00:00.123000Z' },
    ]);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('a draft of a change does not replace a change that another user has made meanwhile', async () => {
    const id = await make();
    const page = await open(`silences/${id}?edit=yes`);
    const notice = page.getByText('This silence has changed since you opened it.');
    const reason = page.getByLabel('Reason');
    const changeByAnother = async (text: string): Promise<void> => {
      const answer = await rig.api.ask('PUT', `/v1/silences/${id}`, { body: { ...MAINTENANCE, reason: text } });
      expect(answer.status).toBe(200);
    };
    await reason.fill('mine');
    await changeByAnother('theirs');
    await page.getByRole('button', { name: 'Save the change' }).click();
    await notice.waitFor();
    await page.getByText('Changed: reason.').waitFor();
    await page.getByText('You changed reason, too.').waitFor();
    expect(await stored()).toMatchObject([{ reason: 'theirs' }]);
    await page.getByRole('button', { name: 'Discard my changes' }).click();
    await notice.waitFor({ state: 'detached' });
    expect(await reason.inputValue()).toBe('theirs');
    await reason.fill('mine again');
    await changeByAnother('theirs again');
    await page.reload();
    await notice.waitFor();
    expect(await reason.inputValue()).toBe('mine again');
    await page.getByRole('button', { name: 'Discard my changes' }).click();
    await reason.fill('agreed');
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByRole('heading', { name: 'Alarms whose name' }).waitFor();
    expect(await stored()).toMatchObject([{ reason: 'agreed' }]);
  });

  test('the changes of a draft are put on top of those that another user has made meanwhile', async () => {
    const id = await make();
    const page = await open(`silences/${id}?edit=yes`);
    await page.getByLabel('Reason').fill('mine');
    const theirs = { ...MAINTENANCE, owner: 'another team', ends_at: '2099-02-02T00:00:00Z' };
    await rig.api.ask('PUT', `/v1/silences/${id}`, { body: theirs });
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByText('Changed: times, owner.').waitFor();
    await page.getByRole('button', { name: 'Keep my changes' }).click();
    await page.getByText('Changed: times, owner.').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByRole('heading', { name: 'Alarms whose name' }).waitFor();
    expect(await stored()).toMatchObject([{ ...theirs, reason: 'mine' }]);
    expect(misdeeds.requestsElsewhere).toEqual([]);
  });

  test('a silence is not ended that another user has changed since it was shown', async () => {
    const id = await make();
    const page = await open('silences');
    await row(page, 'kernel update').getByRole('button', { name: 'End now' }).click();
    const matchers = [{ field: 'name', value: 'db-*' }];
    await page.route('**/v1/silences/*', async (route) => {
      // Between the reading of the silence and its end.
      if (route.request().method() === 'DELETE')
        await rig.api.ask('PUT', `/v1/silences/${id}`, { body: { ...MAINTENANCE, matchers } });
      await route.continue();
    });
    await page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
    await page.getByRole('dialog').getByText('This silence has changed since you opened it.').waitFor();
    expect(await stored()).toMatchObject([{ status: 'active', matchers }]);
  });

  test('the form marks its mandatory fields, and says beside the first one without a value that it is', async () => {
    const page = await open('silences/new');
    const send = page.getByRole('button', { name: 'Silence', exact: true });
    const wrong = page.locator('.wrong');
    await send.waitFor();
    const marked = page.locator('label, legend').filter({ has: page.locator('.required') });
    expect(await marked.allInnerTexts()).toEqual(
      ['Silence alarms whose *', 'Reason *', 'Owner *'].map((text) => expect.stringContaining(text)),
    );
    for (const [field, value] of [
      ['Value', 'web-*'],
      ['Reason', 'move'],
      ['Owner', 'web team'],
    ] as const) {
      const input = page.getByRole('textbox', { name: field });
      if (field === 'Owner') await input.fill(' ');
      await send.click();
      await wrong.getByText('This field is mandatory.').waitFor();
      expect(await input.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
      await input.fill(value);
    }
    await wrong.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'another end' }).click();
    await page.getByLabel('Ends at (your time)').fill('');
    await send.click();
    await wrong.getByText('This field is mandatory.').waitFor();
    await page.getByRole('button', { name: '1 hour' }).click();
    await page.getByRole('button', { name: 'recurring' }).click();
    await page.getByLabel('Time zone').fill('');
    await send.click();
    await wrong.getByText('Time zone').waitFor();
    expect(await stored()).toEqual([]);
  });

  test('a silence of the alarms without a project keeps them when it is brought back', async () => {
    identity = ADMIN_OF_ALL;
    const id = await make({ project_ids: ['', 'p1'] });
    await rig.api.ask('DELETE', `/v1/silences/${id}`);
    const page = await open(`silences/new?from=${id}`);
    const projects = page.getByRole('group', { name: /^Of the project/ }).getByRole('textbox');
    await projects.first().waitFor();
    expect(await projects.evaluateAll((inputs) => inputs.map((input) => (input as { value?: string }).value))).toEqual([
      '',
      'p1',
    ]);
    // An added row that stays empty is not sent.
    await page.getByRole('button', { name: 'Add a project' }).click();
    await page.getByRole('button', { name: 'Add a project' }).click();
    await page.keyboard.type('p2');
    await page.getByLabel('Ends at (your time)').fill('2099-07-01T08:00');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByText('created by root').waitFor();
    expect((await stored()).find((one) => one.id !== id)).toMatchObject({ project_ids: ['', 'p1', 'p2'] });
  });

  test('an ended silence is brought back with a new end, which is asked for', async () => {
    const id = await make();
    const page = await open('silences');
    await row(page, 'kernel update').getByRole('button', { name: 'End now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
    await page.getByText('No silence is active.').waitFor();
    await page.getByRole('link', { name: /^ended/ }).click();
    await row(page, 'kernel update').getByRole('link', { name: 'Bring back' }).click();
    await page.getByRole('heading', { name: 'Bring a silence back' }).waitFor();
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.locator('.wrong').getByText('This field is mandatory.').waitFor();
    await page.getByLabel('Ends at (your time)').fill('2099-07-01T08:00');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByText('created by night shift').waitFor();
    const all = await stored();
    const back = all.find((one) => one.id !== id);
    expect(all.find((one) => one.id === id)).toMatchObject({ status: 'ended' });
    expect(back).toMatchObject({ ...MAINTENANCE, ends_at: '2099-07-01T06:00:00Z', status: 'active' });
    expect(page.url()).toContain(`#/silences/${back?.id}`);
  });

  test('an admin silences the alarms of all projects; a member reads the silence and sees no buttons', async () => {
    identity = ADMIN_OF_ALL;
    const page = await open('silences/new');
    await page.getByRole('textbox', { name: 'Value' }).fill('*');
    await page.getByLabel('of all projects').check();
    await page.getByLabel('Reason').fill('power cut');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByText('created by root').waitFor();
    const [{ id } = { id: '' }] = await stored();
    for (const reader of [MEMBER_OF_P1, READER_OF_P1]) {
      identity = reader;
      const theirs = await open(`silences/${id}`);
      await theirs.getByText('power cut').waitFor();
      expect(await theirs.getByRole('button', { name: 'End now' }).count()).toBe(0);
      expect(await link(theirs, 'Change').count()).toBe(0);
    }
  });

  test('an admin silences the alarms of several projects, and each project sees its own name only', async () => {
    for (const projectId of ['p1', 'p2']) {
      identity = { ...MEMBER_OF_P1, projectId };
      await rig.api.create(thresholdBody({ name: 'web-1' }));
    }
    identity = ADMIN_OF_ALL;
    const page = await open('silences/new');
    await page.getByRole('textbox', { name: 'Value' }).fill('web-*');
    const projects = page.getByRole('group', { name: /^Of the project/ }).getByRole('textbox');
    await projects.fill('p1');
    await page.getByRole('region', { name: 'Preview' }).getByText('It holds 1 alarm.').waitFor();
    await page.getByRole('button', { name: 'Add a project' }).click();
    await projects.nth(1).fill('p2');
    await page.getByRole('region', { name: 'Preview' }).getByText('It holds 2 alarms.').waitFor();
    await page.getByLabel('Reason').fill('power cut');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByText('p1, p2').waitFor();
    const [{ id, project_ids } = { id: '' }] = await stored();
    expect(project_ids).toEqual(['p1', 'p2']);
    await link(page, 'Change').click();
    await page.getByLabel('Reason').fill('a longer power cut');
    await page.getByRole('button', { name: 'Save the change' }).click();
    await page.getByText('a longer power cut').waitFor();
    identity = MEMBER_OF_P1;
    const theirs = await open(`silences/${id}`);
    await theirs.getByText('a longer power cut').waitFor();
    expect(await theirs.getByText('p2').count()).toBe(0);
  });

  test('a silence of another project is not shown', async () => {
    identity = { ...MEMBER_OF_P1, projectId: 'p2' };
    const id = await make();
    identity = MEMBER_OF_P1;
    const page = await open(`silences/${id}`);
    await page.getByText('There is no such silence').waitFor();
  });

  describe('a notification under a silence', () => {
    let receiver: Receiver;
    let evaluator: EvaluatorRig;
    let notifier: NotifierRig;
    beforeEach(async () => {
      receiver = await startReceiver();
      evaluator = await startEvaluator(rig.db);
      notifier = startNotifier(rig.db, { rules: { sweepEveryMs: 50 } });
    });
    afterEach(async () => {
      await evaluator.stop();
      await notifier.stop();
      await receiver.close();
    });

    test('is shown on the page of its alarm, and is sent once after the silence is ended there', async () => {
      const sample = { counter_name: 'cpu', counter_type: 'gauge', counter_unit: '%', counter_volume: 95 };
      await rig.api.ask('POST', '/v2/meters/cpu', {
        as: MEMBER,
        body: [{ ...sample, resource_id: 'r1', timestamp: '2026-01-01T12:00:00' }],
      });
      const id = await rig.api.create(
        thresholdBody({ name: 'cpu high', alarm_actions: [`${receiver.url}/hook`] }),
        MEMBER,
      );
      await make({ matchers: [{ field: 'alarm_id', value: id }] });
      const page = await open(`alarm/${id}?span=1h&until=2026-01-01T11:00:00Z`);
      const notifications = page.getByRole('region', { name: 'Notifications' });
      await page.getByRole('region', { name: 'Silences' }).getByText('kernel update').waitFor();
      await evaluator.interval();
      await streamed(notifications.getByText('silenced'));
      expect(receiver.requests).toEqual([]);
      await page.getByRole('button', { name: 'End now' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
      await page.getByRole('region', { name: 'Silences' }).waitFor({ state: 'detached' });
      await evaluator.interval();
      await eventually(() => expect(receiver.requests).toHaveLength(1));
      await streamed(notifications.getByText('delivered'));
      await evaluator.interval();
      expect(receiver.requests.map(({ target }) => target)).toEqual(['/hook']);
      expect(misdeeds).toEqual(NO_MISDEEDS);
    });
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const id = await make();
      for (const address of ['silences', `silences/${id}`, 'silences/new']) {
        const page = await open(address, options);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByText('web', { exact: false }).or(page.getByText('Fill in the matchers')).first().waitFor();
        expect(await seriousFaults(page)).toEqual([]);
      }
    },
  );
});

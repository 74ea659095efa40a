import { beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { ADMIN, MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { NOON } from '../support/builders.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';
import { storeNotification, storeNumbered } from '../support/stored-notifications.js';

const rig = startPageRig();
const DEAD = { status: 'dead', attempt: 11, finishedAt: new Date(NOON.getTime() - 1_000), projectId: 'p1' } as const;
const FAR = '2099-01-01T00:00:00Z';

async function pause(project: string, body?: object): Promise<void> {
  const answer = await rig.api.ask('PUT', `/v1/delivery-pauses/${project}`, { as: ADMIN, body });
  expect([answer.status, answer.fault]).toEqual([204, undefined]);
}
const resume = (project: string): Promise<unknown> =>
  rig.api.ask('DELETE', `/v1/delivery-pauses/${project}`, { as: ADMIN });

/** The project has sent as many notifications as it may in this hour. */
async function reachLimit(): Promise<void> {
  await rig.db.query('insert into notification_hours (project_id, since, sent, limited_at) values ($1, $2, 9, $2)', [
    'p1',
    NOON,
  ]);
}

/** Sends all dead notifications again. */
async function replay(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Send all dead again' }).click();
  await page.getByRole('dialog').getByText('2 notifications are sent again').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
}

describeWith(['chromium'], 'while deliveries are paused, the page', () => {
  let alarmId: string;
  beforeEach(async () => {
    alarmId = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
  });

  test.each([
    { paused: [], who: 'a member', said: 'Done: 2 are waiting to be sent.', warning: undefined },
    {
      paused: ['p1'],
      who: 'a member',
      said: 'Done: 2 are waiting to be sent. Deliveries are paused.',
      warning: 'Deliveries are paused: notifications wait.',
    },
    {
      paused: ['*'],
      who: 'a member',
      said: 'Done: 2 are waiting to be sent. Deliveries are paused.',
      warning: 'Deliveries are paused: notifications wait.',
    },
    { paused: ['p2'], who: 'a member', said: 'Done: 2 are waiting to be sent.', warning: undefined },
    {
      paused: ['p2'],
      who: 'an admin',
      said: 'Done: 2 are waiting to be sent. Those of paused projects wait for the end of the pause.',
      warning: 'Deliveries of some projects are paused: their notifications wait.',
    },
  ])('says after a replay by $who with pauses of $paused: $said', async ({ paused, who, said, warning }) => {
    await storeNumbered(rig.db, 'n', 2, DEAD);
    for (const project of paused) await pause(project);
    const { page, misdeeds } = await rig.open(`notifications?status=dead${who === 'a member' ? '&project=p1' : ''}`);
    const pauses = page.waitForResponse('**/v1/delivery-pauses');
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    await (await pauses).finished();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 notifications are sent again').waitFor();
    if (warning !== undefined) await dialog.getByText(warning).waitFor();
    else expect(await dialog.locator('.warning').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await page.getByText(said, { exact: true }).waitFor();
    expect(await page.getByRole('region', { name: 'Sending again' }).innerText()).toContain('2 of 2 queued again');
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test.each([
    { waits: 'for the end of a pause', kind: 'transition', attempt: 2, held: () => pause('p1'), word: 'paused' },
    { waits: 'for the end of the hour', kind: 'repeat', attempt: 0, held: reachLimit, word: 'limited' },
    { waits: 'after an attempt in such an hour', kind: 'repeat', attempt: 1, held: reachLimit, word: 'failing' },
    { waits: 'in an hour that holds repeats only', kind: 'transition', attempt: 1, held: reachLimit, word: 'failing' },
    { waits: 'for its next attempt', kind: 'transition', attempt: 2, held: async () => undefined, word: 'failing' },
    { waits: 'for its first attempt', kind: 'transition', attempt: 0, held: () => pause('p2'), word: 'pending' },
  ] as const)('has one word for a notification that waits $waits: $word', async ({ kind, attempt, held, word }) => {
    await storeNotification(rig.db, { id: 'n', alarmId, projectId: 'p1', kind, attempt, nextAttemptAt: new Date(FAR) });
    await held();
    for (const view of ['alarms', `alarm/${alarmId}`, 'notifications']) {
      const { page } = await rig.open(`${view}?project=p1`);
      await page.locator('.delivery').getByText(word).waitFor();
      expect(await page.locator('.delivery').count()).toBe(1);
    }
  });

  test('says of a notification that it waits, and not when an attempt would be made', async () => {
    await storeNotification(rig.db, { id: 'n', alarmId, projectId: 'p1', attempt: 2, nextAttemptAt: new Date(FAR) });
    await pause('p1', { ends_at: FAR });
    for (const address of ['notifications?project=p1', `alarm/${alarmId}?project=p1`]) {
      const { page } = await rig.open(address);
      await page
        .locator('.notification')
        .getByText('It waits: deliveries are paused until 1 Jan 2099, 01:00.')
        .waitFor();
      expect(await page.getByText('Next attempt').count()).toBe(0);
    }
  });

  test('shows on the view of an alarm and in its dialogs that notifications wait', async () => {
    await pause('p1');
    const silence = { matchers: [{ field: 'alarm_id', value: alarmId }], ends_at: FAR, reason: 'r', owner: 'o' };
    await rig.api.ask('POST', '/v1/silences', { as: MEMBER, body: silence });
    const { page } = await rig.open(`alarm/${alarmId}?project=p1`);
    const notice = 'Deliveries are paused: notifications wait.';
    await page.getByRole('region', { name: 'Notifications' }).getByText(notice).waitFor();
    for (const button of ['Silence', 'End now']) {
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByRole('dialog').getByText(notice).waitFor();
      await page.keyboard.press('Escape');
    }
  });

  test.each([
    { paused: [], warning: undefined },
    { paused: ['p3'], warning: undefined },
    { paused: ['p2'], warning: 'Deliveries of some projects are paused: their notifications wait.' },
    { paused: ['p1', 'p2'], warning: 'Deliveries are paused: notifications wait.' },
    { paused: ['*'], warning: 'Deliveries are paused: notifications wait.' },
  ])('warns with pauses of $paused before a silence of p1 and p2 is ended: $warning', async ({ paused, warning }) => {
    for (const project of paused) await pause(project);
    const matchers = [{ field: 'name', value: '*' }];
    const body = { matchers, project_ids: ['p1', 'p2'], ends_at: FAR, reason: 'r', owner: 'o' };
    const { id } = (await rig.api.ask('POST', '/v1/silences', { as: ADMIN, body })).json<{ id: string }>();
    const { page } = await rig.open(`silences/${id}`);
    const pauses = page.waitForResponse('**/v1/delivery-pauses');
    await page.getByRole('button', { name: 'End now' }).click();
    await (await pauses).finished();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It holds').waitFor();
    if (warning !== undefined) await dialog.getByText(warning, { exact: true }).waitFor();
    else expect(await dialog.locator('.warning').count()).toBe(0);
  });

  test('is told by the stream when a pause begins and ends, in each view', async () => {
    const views = [];
    for (const address of ['notifications?project=p1', `alarm/${alarmId}?project=p1`]) {
      const { page } = await rig.open(address);
      await page.getByText('live', { exact: true }).waitFor();
      views.push(page.getByText('Deliveries', { exact: false }).filter({ hasText: /paused/ }));
    }
    await pause('*');
    for (const view of views) await rig.until(async () => expect(await view.count()).toBeGreaterThan(0));
    await resume('*');
    for (const view of views) await rig.until(async () => expect(await view.count()).toBe(0));
  });

  test('marks the mandatory fields of a pause, and says beside them that they have no value', async () => {
    const { page } = await rig.open('notifications');
    await page.getByRole('button', { name: 'Pause deliveries' }).click();
    const dialog = page.getByRole('dialog');
    const wrong = dialog.locator('.wrong').getByText('This field is mandatory.');
    const project = dialog.getByLabel('Project id *');
    await project.fill('');
    await dialog.getByLabel('Ends').selectOption('at …');
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await wrong.waitFor();
    expect(await project.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await project.fill('p1');
    await dialog.getByRole('button', { name: 'Pause' }).click();
    expect(await dialog.locator('.wrong').innerText()).toContain('End *');
    await dialog.getByLabel('End *').fill('2099-01-01T01:00');
    await wrong.waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Deliveries of project p1 are paused').waitFor();
  });

  test('says before a pause is ended that another one goes on', async () => {
    await pause('p1');
    await pause('*');
    const { page } = await rig.open('notifications');
    const rows = page.getByRole('list', { name: 'Paused deliveries' }).getByRole('listitem');
    await rows.filter({ hasText: 'project p1' }).getByRole('button', { name: 'Resume' }).click();
    await page
      .getByText('Waiting notifications are sent when the deliveries of all projects are resumed, too.')
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await rows.filter({ hasText: 'all projects' }).getByRole('button', { name: 'Resume' }).click();
    await page.getByText('but not those of projects whose own deliveries are paused').waitFor();
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      await storeNumbered(rig.db, 'n', 2, DEAD);
      await storeNotification(rig.db, { id: 'w', alarmId, projectId: 'p1', attempt: 2 });
      await pause('p1', { ends_at: FAR, reason: 'move' });
      const { page } = await rig.open('notifications?project=p1&status=dead', options);
      await replay(page);
      await page.getByText('2 are waiting to be sent. Deliveries are paused').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      const { page: other } = await rig.open(`alarm/${alarmId}?project=p1`, options);
      await other.getByText('It waits').waitFor();
      expect(await seriousFaults(other)).toEqual([]);
    },
  );
});

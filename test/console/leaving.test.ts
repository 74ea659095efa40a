import { beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, type Misdeeds } from '../support/browser.js';
import { NOON } from '../support/builders.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';
import { statuses, storeNumbered } from '../support/stored-notifications.js';

const rig = startPageRig({ mostReplayed: 2 });
const DEAD = { status: 'dead', attempt: 11, finishedAt: new Date(NOON.getTime() - 1_000), projectId: 'p1' } as const;

const goTo = (page: Page, view: string): Promise<void> =>
  page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view }).click();

/** Names of the questions of the browser, all of which are answered with yes. */
function questionsOf(page: Page): string[] {
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  return asked;
}

describeWith(['chromium'], 'leaving a replay that is under way', () => {
  let page: Page;
  let misdeeds: Misdeeds;
  /** Lets the second request of the replay through. */
  let letThrough: () => void;

  beforeEach(async () => {
    await storeNumbered(rig.db, 'n', 5, DEAD);
    ({ page, misdeeds } = await rig.open('notifications?project=p1&status=dead'));
    const gate = new Promise<void>((resolve) => (letThrough = resolve));
    let requests = 0;
    await page.route('**/v1/notifications/replay?**', async (route) => {
      requests += 1;
      if (requests > 1) await gate;
      await route.continue().catch(() => undefined);
    });
    await page.getByRole('button', { name: 'Send all dead again' }).click();
    await page.getByRole('dialog').getByText('5 notifications').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
    await page.getByText('2 of 5 queued again').waitFor();
  });
  const dead = async (): Promise<number> =>
    Object.values(await statuses(rig.db)).filter((status) => status === 'dead').length;

  test('for another view does not stop it, and its progress is shown when the user comes back', async () => {
    await page.getByText('It goes on while you look at other views.').waitFor();
    await goTo(page, 'Silences');
    await page.getByRole('heading', { name: 'Silences' }).waitFor();
    letThrough();
    await rig.until(async () => expect(await dead()).toBe(0));
    await goTo(page, 'Notifications');
    await page.getByText('5 of 5 queued again').waitFor();
    await page.getByText('Done:').waitFor();
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('for another project stops it, which is said when the user comes back', async () => {
    const project = page.getByLabel('Project', { exact: true });
    const aborted = page.waitForEvent('requestfailed', (request) => request.url().includes('/replay?'));
    await project.fill('p2');
    await project.press('Enter');
    await page.getByText('No notification matches this filter.').waitFor();
    await page.getByText('of 5').waitFor({ state: 'detached' });
    // Else the service could still get the request that the page has given up.
    await aborted;
    letThrough();
    await project.fill('p1');
    await project.press('Enter');
    await page.getByText('At least 2 of 5 queued again').waitFor();
    await page.getByText('Stopped before the service answered').waitFor();
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('5 of 5 queued again').waitFor();
    expect(await dead()).toBe(0);
  });

  test('by closing or reloading the tab is asked for first, and only while it is under way', async () => {
    const asked = questionsOf(page);
    // Browsers ask only users who have done something.
    await page.getByRole('heading', { level: 1 }).click();
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
    await page.getByRole('heading', { level: 1 }).click();
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
  });
});

describeWith(['chromium'], 'leaving a form with changes', () => {
  test.each([
    { what: 'of an alarm', address: 'edit/ID', field: 'Description', typed: 'of the web servers' },
    { what: 'of a new alarm', address: 'new?type=event', field: 'Name *', typed: 'instances' },
    { what: 'of a new silence', address: 'silences/new', field: 'Reason *', typed: 'kernel update' },
    { what: 'of a silence that is changed', address: 'silences/SILENCE?edit=yes', field: 'Reason *', typed: 'move' },
  ])('$what loses nothing: they are kept and offered again', async ({ address, field, typed }) => {
    const id = await rig.api.create(thresholdBody(), MEMBER);
    const body = {
      matchers: [{ field: 'name', value: '*' }],
      ends_at: '2099-01-01T00:00:00Z',
      reason: 'r',
      owner: 'o',
    };
    const made = await rig.api.ask('POST', '/v1/silences', { as: MEMBER, body });
    const at = address.replace('ID', id).replace('SILENCE', made.json<{ id: string }>().id);
    const withProject = `${at}${at.includes('?') ? '&' : '?'}project=p1`;
    const { page, misdeeds } = await rig.open(withProject);
    const input = page.getByLabel(field, { exact: true });
    await input.waitFor({ state: 'attached' });
    const before = await input.inputValue();
    for (const summary of await page.locator('summary').all()) await summary.click();
    expect(await page.getByText('Not saved yet.').count()).toBe(0);
    await input.fill(typed);
    await page.getByText('Not saved yet. This tab keeps your changes if you leave the form.').waitFor();
    await goTo(page, 'Alarms');
    await page.getByRole('heading', { name: 'Alarms' }).waitFor();
    await page.goBack();
    await page.getByText('Your unsaved changes were restored.').waitFor();
    expect(await input.inputValue()).toBe(typed);
    await page.getByRole('button', { name: 'Discard them' }).click();
    expect(await input.inputValue()).toBe(before);
    await goTo(page, 'Alarms');
    await page.getByRole('heading', { name: 'Alarms' }).waitFor();
    await page.goBack();
    await input.waitFor({ state: 'attached' });
    expect(await page.getByText('were restored').count()).toBe(0);
    // The service has another time than the page, and refuses to evaluate drafts.
    expect(misdeeds.requestsElsewhere).toEqual([]);
  });
});

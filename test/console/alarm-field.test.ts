import { expect, test } from '@jest/globals';
import type { Route } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { descriptionOf, NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';
import { storeNotification } from '../support/stored-notifications.js';

const DELETED = '7b23d5fc-7e20-4058-bd4d-717a072a7aff';

const rig = startPageRig();

describeWith(['chromium'], 'an alarm that is chosen by its name in Chromium', () => {
  test('filters the notifications; the address has its id, and the filter shows its name', async () => {
    const id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    await rig.api.create(thresholdBody({ name: 'disk full' }), MEMBER);
    await storeNotification(rig.db, { id: 'n1', alarmId: id, projectId: 'p1' });
    await storeNotification(rig.db, { id: 'n2', alarmId: DELETED, projectId: 'p1' });
    const { page, misdeeds } = await rig.open('notifications?project=p1');
    const filter = page.getByRole('search', { name: 'Filter' });
    const list = page.locator('.notification');
    const chosen = filter.getByRole('group', { name: 'Alarm' });
    await list.nth(1).waitFor();
    await filter.getByLabel('Alarm').fill('CPU');
    await filter.getByRole('list', { name: 'Found alarms' }).getByRole('button', { name: 'cpu high' }).click();
    await chosen.getByText('cpu high', { exact: true }).waitFor();
    await list.nth(1).waitFor({ state: 'detached' });
    expect(await list.getByRole('link').first().getAttribute('href')).toContain(id);
    expect(page.url()).toContain(`alarm_id=${id}`);
    await page.reload();
    await chosen.getByText('cpu high', { exact: true }).waitFor();
    const remove = chosen.getByRole('button', { name: 'Remove cpu high: choose another alarm' });
    await remove.focus();
    await page.keyboard.press('Enter');
    await list.nth(1).waitFor();
    expect(page.url()).not.toContain('alarm_id');
    // The focus stays in the field.
    await page.keyboard.type(DELETED);
    await filter.getByRole('button', { name: 'Use this id' }).click();
    await chosen.getByText(DELETED).waitFor();
    await list.nth(1).waitFor({ state: 'detached' });
    expect(await list.getByRole('link').first().getAttribute('href')).toContain(DELETED);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('is held by a new silence', async () => {
    const id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page } = await rig.open('silences/new?project=p1');
    await page.getByLabel('Field').selectOption('id');
    await page.getByLabel('Alarm', { exact: true }).fill('cpu');
    await page.getByRole('button', { name: 'cpu high' }).click();
    await page.getByText('It holds 1 alarm.').waitFor();
    await page.getByLabel('Reason').fill('disk swap');
    await page.getByLabel('Owner').fill('me');
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.getByRole('heading', { name: 'The alarm cpu high' }).waitFor();
    const { silences } = (await rig.api.ask('GET', '/v1/silences')).json<{ silences: unknown[] }>();
    expect(silences).toMatchObject([{ matchers: [{ field: 'alarm_id', value: id }] }]);
  });

  test('that a silence lacks is asked for in its search, in which Enter sends nothing', async () => {
    await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page } = await rig.open('silences/new?project=p1');
    await page.getByLabel('Field').selectOption('id');
    const search = page.getByLabel('Alarm', { exact: true });
    await search.fill('cpu');
    await search.press('Enter');
    await page.getByRole('button', { name: 'cpu high' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.getByRole('button', { name: 'Silence', exact: true }).click();
    await page.locator('.wrong').getByRole('alert').filter({ hasText: 'This field is mandatory.' }).waitFor();
    expect(await search.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    expect(await descriptionOf(search)).toBe('This field is mandatory.');
  });

  test('is not offered while another search is under way', async () => {
    await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page } = await rig.open('notifications?project=p1');
    const search = page.getByLabel('Alarm', { exact: true });
    const none = page.getByText('No alarm has this in its name.');
    await search.fill('zz');
    await none.waitFor();
    const held: Route[] = [];
    await page.route(/\/v1\/alarms\?.*search=/, (route) => void held.push(route));
    await search.fill('cpu');
    await none.waitFor({ state: 'detached' });
    await eventually(() => expect(held).toHaveLength(1));
    await held[0]?.continue();
    const hit = page.getByRole('button', { name: 'cpu high' });
    await hit.waitFor();
    await search.fill('disk');
    await hit.waitFor({ state: 'detached' });
    await eventually(() => expect(held).toHaveLength(2));
    await held[1]?.fulfill({ status: 503 });
    await page.getByRole('search', { name: 'Filter' }).getByRole('alert').waitFor();
    expect(await hit.count()).toBe(0);
  });

  test.each([PHONE, { width: 360, height: 740 }])('fits a phone of $width px', async (size) => {
    const name = `instance-0000012f-6c1a9d0e-5d0b-4f86-9a6b-8a2e8c6b6a11-${'long'.repeat(20)}`;
    await rig.api.create(thresholdBody({ name }), MEMBER);
    const { page } = await rig.open('notifications?project=p1', { size });
    const fits = (): Promise<boolean> =>
      page.evaluate<boolean>('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
    await page.getByLabel('Alarm', { exact: true }).fill('instance');
    const found = page.getByRole('button', { name });
    await found.waitFor();
    expect([await fits(), await seriousFaults(page)]).toEqual([true, []]);
    await found.click();
    await page.getByRole('group', { name: 'Alarm' }).waitFor();
    expect([await fits(), await seriousFaults(page)]).toEqual([true, []]);
  });
});

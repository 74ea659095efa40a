import { expect, test } from '@jest/globals';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
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

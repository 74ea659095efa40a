import { expect, test } from '@jest/globals';

import { MEMBER, thresholdBody } from '../support/api.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();

describeWith(['chromium'], 'an address whose filter is true for one project only, in Chromium', () => {
  test.each([
    {
      what: 'alarms',
      address: 'alarms?state=ok&project_id=other&sort=name',
      kept: 'alarms?state=ok&sort=name',
      shown: 'No alarm matches this filter.',
    },
    {
      what: 'meters',
      address: 'meters?search=cpu&project_id=other&user_id=u9',
      kept: 'meters?search=cpu',
      shown: 'No meter with samples matches this filter.',
    },
    {
      what: 'one meter',
      address: 'meters/cpu?group=user_id&resource_id=r1',
      kept: 'meters/cpu?group=user_id',
      shown: 'No sample of this meter is stored',
    },
    {
      what: 'silences',
      address: 'silences?status=ended&project_id=other',
      kept: 'silences?status=ended',
      shown: 'No silence has ended in the last 30 days.',
    },
    {
      what: 'notifications',
      address: 'notifications?status=dead&alarm_id=a1&project_id=other',
      kept: 'notifications?status=dead',
      shown: 'No notification matches this filter.',
    },
    { what: 'a new alarm', address: 'new?meter=cpu&resource=r1', kept: 'new?meter=cpu', shown: 'composite' },
    { what: 'a copy of an alarm', address: 'new?copy=a1', kept: 'new', shown: 'composite' },
    { what: 'a new silence', address: 'silences/new?from=s1', kept: 'silences/new', shown: 'Reason' },
  ])(
    'the view of $what loses it when another project is chosen, and keeps the rest',
    async ({ address, kept, shown }) => {
      const { page } = await rig.open(address);
      const project = page.getByRole('banner').getByLabel('Project', { exact: true });
      await project.fill('p1');
      await project.press('Enter');
      await page.waitForURL(/project=p1/);
      const parts = page.url().split('#/')[1]!.split(/[?&]/);
      expect(parts.sort()).toEqual([...kept.split(/[?&]/), 'project=p1'].sort());
      await page.getByRole('main').getByText(shown).first().waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    },
  );

  test.each([
    { what: 'meters by name', address: 'meters?project=p1&project_id=other' },
    { what: 'resources', address: 'meters?project=p1&by=resource&project_id=other' },
    { what: 'one meter', address: 'meters/cpu?project=p1&project_id=other' },
    { what: 'silences', address: 'silences?project=p1&project_id=other' },
    { what: 'notifications', address: 'notifications?project=p1&project_id=other' },
  ])('a refusal in the view of $what is left with one click', async ({ address }) => {
    const { page } = await rig.open(address);
    await page.getByRole('link', { name: 'Clear the filter' }).first().click();
    await page.getByRole('alert').first().waitFor({ state: 'detached' });
    expect(page.url()).toContain('project=p1');
    expect(page.url()).not.toContain('project_id');
  });

  test('a silence of another project that cannot be brought back leads to the list of silences', async () => {
    const { page } = await rig.open('silences/new?project=p1&from=none');
    await page.getByText('There is no such silence').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Silences' }).click();
    await page.getByText('No silence is active.').waitFor();
  });
});

describeWith(['chromium'], 'the navigation in Chromium', () => {
  test.each([390, 360, 320, 700])('shows all its entries at %i px', async (width) => {
    await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page } = await rig.open('cluster', { size: { width, height: 740 } });
    const entries = page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    await page.getByRole('heading', { level: 1, name: 'Cluster' }).waitFor();
    expect(await entries.allInnerTexts()).toEqual(['Alarms', 'Meters', 'Silences', 'Notifications', 'Cluster']);
    const hidden = await entries.evaluateAll(
      (links, windowWidth) =>
        links
          .filter((link) => {
            const { left, right } = link.getBoundingClientRect();
            const { left: start, right: end } = link.closest('ul')!.getBoundingClientRect();
            return left < start - 1 || right > end + 1 || right > windowWidth;
          })
          .map((link) => link.textContent),
      width,
    );
    expect(hidden).toEqual([]);
    expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });
});

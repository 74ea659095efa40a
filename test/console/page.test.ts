import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

/** The page in the name of the project of `MEMBER`. */
const ALARMS = 'alarms?project=p1';

const rig = startPageRig();

describeWith(['chromium'], 'the page in Chromium', () => {
  test('/ sends a browser to the page, which lists the alarms of the project that the user chooses', async () => {
    await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const { page, misdeeds } = await rig.open('/');
    await page.getByLabel('Project', { exact: true }).fill('p1');
    await page.getByLabel('Project', { exact: true }).press('Enter');
    await page.getByRole('cell', { name: 'cpu high' }).waitFor();
    expect(page.url()).toBe(`${rig.api.url}/console#/${ALARMS}`);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('names with markup are shown as text', async () => {
    const name = '<img src=x onerror="document.title=1"><b>bold</b>';
    await rig.api.create(thresholdBody({ name }), MEMBER);
    const { page, misdeeds } = await rig.open(ALARMS);
    await page.getByText(name).waitFor();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('the first view takes at most 100 KiB, and loads no module twice', async () => {
    const loaded: string[] = [];
    const sizes: Promise<number>[] = [];
    const observe = (page: Page): void => {
      page.on('requestfinished', (request) => {
        if (request.url().includes('/console')) loaded.push(request.url());
        sizes.push(request.sizes().then((each) => each.responseBodySize + each.responseHeadersSize));
      });
    };
    const { page } = await rig.open(ALARMS, { observe });
    await page.getByText('There are no alarms yet.').waitFor();
    const bytes = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
    expect(loaded).toContain(`${rig.api.url}/console/shell/main.js`);
    expect(loaded.filter((address) => address.includes('uplot'))).toEqual([]);
    expect(loaded).toEqual([...new Set(loaded)]);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(100 * 1024);
    process.stderr.write(`first view: ${bytes} bytes in ${loaded.length} answers\n`);
  });

  test('the navigation marks the view to which the view of one alarm belongs', async () => {
    const { page } = await rig.open(`alarm/none?project=p1`);
    await page.getByText('There is no such alarm').waitFor();
    const marked = page.getByRole('navigation', { name: 'Views' }).locator('[aria-current=page]');
    expect(await marked.allInnerTexts()).toEqual(['Alarms']);
  });

  test('the keyboard alone reaches the content, past the navigation', async () => {
    const { page } = await rig.open(ALARMS);
    await page.getByRole('heading', { name: 'Alarms' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('content');
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone', size: PHONE }, { what: 'in the dark', dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      for (const severity of ['low', 'moderate', 'critical'])
        await rig.api.create(thresholdBody({ name: severity, severity }), MEMBER);
      const { page } = await rig.open(ALARMS, options);
      await page.getByRole('cell', { name: 'critical' }).first().waitFor();
      expect(await seriousFaults(page)).toEqual([]);
    },
  );
});

import { beforeEach, expect, test } from '@jest/globals';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { HOUR, startPageRig, storeHourOfCpu } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();
let id: string;

beforeEach(async () => {
  await storeHourOfCpu(rig.api);
  id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
});

const addressOf = (): string => `alarm/${id}?project=p1&span=1h&until=${HOUR.stop}`;

describeWith(['chromium'], 'the view of one alarm in Chromium', () => {
  test('has the rule in a sentence, and a click on the chart explains that moment', async () => {
    const { page, misdeeds } = await rig.open(addressOf());
    await page.getByText(/^Fires when the average of cpu .*is greater than 80, in one period/).waitFor();
    const chart = page.getByRole('img', { name: /Values of cpu high.*from 40 to 90.*Threshold 80/ });
    await chart.locator('.u-over').click({ position: { x: 5, y: 20 } });
    await page.getByText(/^At 1 Jan 2026, 11:0\d:\d\d the alarm did not exist yet\./).waitFor();
    await page.getByText('┊ created').waitFor();
    expect(page.url()).toContain('at=2026-01-01T10%3A0');
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('an alarm is disabled after a question, and keeps its other fields', async () => {
    const { page, misdeeds } = await rig.open(addressOf());
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('button', { name: 'Enable' }).waitFor();
    const stored = (await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(stored).toMatchObject({ name: 'cpu high', enabled: false, threshold_rule: { threshold: 80 } });
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('an edit of an alarm that has changed since it was opened is refused', async () => {
    const { page } = await rig.open(addressOf());
    await page.getByRole('button', { name: 'Disable' }).click();
    await rig.api.clock.advance(1_000);
    await rig.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ name: 'renamed' }) });
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('The alarm has changed since you opened it').waitFor();
    const stored = (await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(stored).toMatchObject({ name: 'renamed', enabled: true });
  });

  test.each([{ what: 'on a laptop' }, { what: 'on a phone in the dark', size: PHONE, dark: true }])(
    'has no serious fault of accessibility $what',
    async ({ what: _, ...options }) => {
      const { page } = await rig.open(addressOf(), options);
      await page.locator('.u-over').waitFor();
      await page.getByText('created by').waitFor();
      expect(await seriousFaults(page)).toEqual([]);
    },
  );
});

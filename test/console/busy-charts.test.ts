import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();

describeWith(['chromium'], 'charts in many tabs at once', () => {
  test('the chart of an alarm waits while other tabs have used up the share of the project', async () => {
    let asked = 0;
    const observe = (page: Page): void =>
      void page.route('**/values?**', (route) => {
        asked += 1;
        if (asked > 2) return route.continue();
        const refusal = { error_message: { faultcode: 'Client', faultstring: 'Too many at once', debuginfo: null } };
        return route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, json: refusal });
      });
    const id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    const past = 'span=1h&until=2026-01-01T11:00:00Z'; // the page does not know the clock of the service
    const { page } = await rig.open(`alarm/${id}?project=p1&${past}`, { observe });
    await page.getByRole('img', { name: 'Values of cpu high' }).waitFor();
    expect(asked).toBe(3);
    expect(await page.getByText('Too many at once').count()).toBe(0);
  });
});

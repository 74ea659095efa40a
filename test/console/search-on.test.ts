import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();

const RESOURCE = {
  resource_id: 'web-1',
  project_id: 'p1',
  user_id: null,
  source: 'openstack',
  meters: ['cpu'],
  meter_count: 1,
  is_complete: true,
  last_sample_at: '2026-01-01T11:00:00Z',
};
const METER = {
  name: 'cpu',
  type: 'gauge',
  unit: '%',
  resources: 1,
  is_complete: true,
  last_sample_at: '2026-01-01T11:00:00Z',
};
const SILENCE = {
  id: 's1',
  status: 'active',
  project_ids: ['p1'],
  all_projects: false,
  matchers: [{ field: 'name', value: 'web-1' }],
  starts_at: '2026-01-01T11:00:00Z',
  ends_at: '2099-01-01T11:00:00Z',
  recurrence: null,
  opening: { starts_at: '2026-01-01T11:00:00Z', ends_at: '2099-01-01T11:00:00Z' },
  reason: 'r',
  owner: 'o',
  created_at: '2026-01-01T11:00:00Z',
  ended_at: null,
  may_change: true,
};

/** Lists of which a page can be empty although another one follows. */
const LISTS = [
  { list: 'resources', address: 'meters?by=resource&search=web', name: 'resources', row: RESOURCE, text: 'web-1' },
  { list: 'meters', address: 'meters?search=cpu', name: 'meters', row: METER, text: 'cpu' },
  { list: 'silences', address: 'silences?status=active', name: 'silences', row: SILENCE, text: 'web-1' },
];

/** Answers the pages of a list: empty ones before `at`, which has the row. */
async function answerPages(page: Page, { name, row }: (typeof LISTS)[number], at: number): Promise<Set<string>> {
  const read = new Set<string>();
  await page.route(`**/v1/${name}?*`, (route) => {
    const query = new URL(route.request().url()).searchParams;
    if (name === 'silences' && query.get('status') !== 'active')
      return route.fulfill({ json: { silences: [], next: null } });
    const cursor = query.get('cursor') ?? '1';
    read.add(cursor);
    const isFound = Number(cursor) === at;
    return route.fulfill({ json: { [name]: isFound ? [row] : [], next: isFound ? null : `${Number(cursor) + 1}` } });
  });
  return read;
}

describeWith(['chromium'], 'lists with empty pages in Chromium', () => {
  test.each(LISTS)('the list of $list goes on by itself to the first page with a row', async (list) => {
    const { page } = await rig.open('cluster');
    const read = await answerPages(page, list, 4);
    await page.goto(`${rig.api.url}/console#/${list.address}`);
    await page.locator('td').getByText(list.text).first().waitFor();
    expect([...read]).toEqual(['1', '2', '3', '4']);
    expect(await page.getByText('Nothing found').count()).toBe(0);
  });

  test.each(LISTS)('the list of $list stops after 20 pages, says so, and goes on when asked', async (list) => {
    const { page } = await rig.open('cluster');
    const read = await answerPages(page, list, 25);
    await page.goto(`${rig.api.url}/console#/${list.address}`);
    await page.getByText('Nothing found so far. The list goes on.').waitFor();
    expect(read.size).toBe(20);
    await page.getByRole('link', { name: 'Search on' }).click();
    await page.locator('td').getByText(list.text).first().waitFor();
    expect(read.size).toBe(25);
  });

  test.each(LISTS)('the list of $list says how many pages without a row it has read', async (list) => {
    const { page } = await rig.open('cluster');
    await answerPages(page, list, 9);
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    await page.route(`**/v1/${list.name}?*cursor=3*`, async (route) => {
      await held;
      await route.fallback();
    });
    await page.goto(`${rig.api.url}/console#/${list.address}`);
    await page.getByText('Searching on: nothing on 2 pages so far.').waitFor();
    goOn();
    await page.getByText('Searching on').waitFor({ state: 'detached' });
    await page.locator('td').getByText(list.text).first().waitFor();
  });
});

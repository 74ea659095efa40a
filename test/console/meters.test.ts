import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, PHONE, seriousFaults } from '../support/browser.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const LONG = 'instance-0000012f-6c1a9d0e-5d0b-4f86-9a6b-8a2e8c6b6a11-tap5f3f2f2f-aa.example.internal';
/** Before the clock of the service, which the page cannot know. */
const SPAN = 'span=own&since=2026-01-01T10:00:00Z&until=2026-01-01T11:00:00Z';

/** The service keeps counts of alarms for this time; another test may have asked for them. */
const KEPT_COUNTS_MS = 5_000;

const rig = startPageRig();

interface Sent {
  meter?: string;
  unit?: string;
  resource: string;
  user?: string;
  /** The value of each minute; undefined: none. */
  valueAt?: (minute: number) => number | undefined;
}

async function send({ meter = 'cpu', unit = '%', resource, user, valueAt = () => 1 }: Sent): Promise<void> {
  const body = Array.from({ length: 60 }, (_, minute) => ({ minute, value: valueAt(minute) }))
    .filter(({ value }) => value !== undefined)
    .map(({ minute, value }) => ({
      counter_type: 'gauge',
      counter_unit: unit,
      counter_volume: value,
      resource_id: resource,
      ...(user !== undefined && { user_id: user }),
      timestamp: new Date(Date.parse('2026-01-01T10:00:00Z') + minute * 60_000).toISOString(),
    }));
  const answer = await rig.api.ask('POST', `/v2/meters/${encodeURIComponent(meter)}`, { as: MEMBER, body });
  expect(answer.status).toBe(201);
}

/** cpu of three resources, one of them with a gap and of the user of the page; disk of one. */
async function someMeters(): Promise<void> {
  await send({ resource: 'web-1', valueAt: (minute) => 40 + minute / 2 });
  await send({ resource: LONG, valueAt: (minute) => 20 + (minute % 7) });
  await send({
    resource: 'web-2',
    user: 'default',
    valueAt: (minute) => (minute > 19 && minute < 40 ? undefined : 70),
  });
  await send({ meter: 'disk/read bytes', unit: 'B/s', resource: 'web-1', valueAt: () => 1_000 });
}

const addressOf = (view: string, query = ''): string => `${view}?project=p1${query && `&${query}`}`;
const chartOf = (page: Page) => page.getByRole('img', { name: / of cpu: / });
const choose = async (page: Page, label: string, option: string): Promise<void> => {
  await page.getByRole('combobox', { name: label }).selectOption({ label: option });
};

describeWith(['chromium'], 'the view of meters in Chromium', () => {
  test('lists meters with unit and resources, and a search finds one', async () => {
    await someMeters();
    const { page, misdeeds } = await rig.open(addressOf('alarms'));
    await page.getByRole('link', { name: 'Meters' }).click();
    const row = page.getByRole('row', { name: /^cpu % gauge 3 / });
    await row.waitFor();
    await page.getByLabel('Meter', { exact: true }).fill('READ');
    await row.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /^disk\/read bytes B\/s gauge 1 / }).waitFor();
    expect(page.url()).toContain('search=READ');
    await page.getByRole('link', { name: 'disk/read bytes' }).click();
    await page.getByRole('heading', { name: 'disk/read bytes' }).waitFor();
    await page.evaluate(`location.hash += '&${SPAN}'`);
    await page.getByRole('img', { name: /average of disk\/read bytes/ }).waitFor();
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('lists resources with their meters, and a resource leads to the chart of its meter', async () => {
    await someMeters();
    const { page, misdeeds } = await rig.open(addressOf('meters'));
    await page.getByRole('link', { name: 'by resource' }).click();
    await page.getByRole('row', { name: /^web-1 cpu disk\/read bytes / }).waitFor();
    await page.getByRole('link', { name: 'web-1' }).click();
    await page.getByText('Only resource web-1').waitFor();
    await page
      .getByRole('row', { name: /^cpu % gauge 1 / })
      .getByRole('link')
      .click();
    await page.getByRole('heading', { name: 'cpu' }).waitFor();
    await page.getByText('Only resource web-1').waitFor();
    expect(page.url()).toContain('#/meters/cpu?');
    expect(page.url()).toContain('resource_id=web-1');
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('one series for each resource, and the table has gaps where there are no samples', async () => {
    await someMeters();
    const { page, misdeeds } = await rig.open(addressOf('meters/cpu', SPAN));
    await page.getByRole('img', { name: /average of cpu: 1 series from .* to .* %/ }).waitFor();
    await choose(page, 'Series', 'by resource');
    const chosen = page.getByRole('combobox', { name: 'Statistic' }).locator('option:checked');
    expect(await chosen.textContent()).toBe('average');
    await choose(page, 'Statistic', 'maximum');
    await choose(page, 'Period', '10 min');
    const chart = page.getByRole('img', { name: /maximum of cpu: 3 series from 26 to 70 %/ });
    await chart.locator('.u-over').waitFor();
    await page.locator('.legend').getByText(LONG).waitFor();
    await page.getByText('Figures as a table').click();
    const figures = page.getByRole('region', { name: 'Figures' });
    const heads = await figures.getByRole('columnheader').allTextContents();
    expect(heads).toEqual(['Period from', `${LONG} (%)`, 'web-1 (%)', 'web-2 (%)']);
    const rows = figures.locator('tbody tr');
    expect(await rows.count()).toBe(6);
    // From 10:20 to 10:40 web-2 has no samples. The newest period comes first.
    expect(await rows.nth(2).getByRole('cell').allTextContents()).toEqual(['26', '59.5', '–']);
    expect(await rows.nth(1).getByRole('cell').allTextContents()).toEqual(['26', '64.5', '70']);
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test.each([
    { resources: 100, is_complete: true, said: 'choose one resource, or a longer period.' },
    { resources: 1_000, is_complete: false, said: 'choose one resource.' },
  ])('more results than the service answers are not requested ($resources resources)', async ({ said, ...counted }) => {
    await someMeters();
    const requested: string[] = [];
    const observe = (page: Page): void => {
      page.on('request', (request) => requested.push(new URL(request.url()).pathname));
      void page.route('**/v1/meters?**', async (route) => {
        const response = await route.fetch();
        const { meters, ...rest } = (await response.json()) as { meters: object[] };
        await route.fulfill({ response, json: { ...rest, meters: meters.map((meter) => ({ ...meter, ...counted })) } });
      });
    };
    const choices = `${SPAN}&group=resource_id&period=10`;
    const { page } = await rig.open(addressOf('meters/cpu', choices), { observe });
    await page.getByText(`The meter has too many resources for one series each: ${said}`, { exact: true }).waitFor();
    expect(requested.filter((path) => path.endsWith('/statistics'))).toEqual([]);
  });

  test('a period without any sample is marked below the chart', async () => {
    await send({ resource: 'web-2', valueAt: (minute) => (minute > 19 && minute < 40 ? undefined : 70) });
    const { page } = await rig.open(addressOf('meters/cpu', `${SPAN}&period=600`));
    await page.getByText('▮ below: no sample in 2 periods').waitFor();
  });

  test('the address has all choices, and a reload and the back button restore them', async () => {
    await someMeters();
    const { page } = await rig.open(addressOf('meters/cpu', SPAN));
    await choose(page, 'Series', 'by resource');
    await choose(page, 'Statistic', 'sum');
    await choose(page, 'Period', '5 min');
    await page.getByRole('img', { name: /^sum of cpu: 3 series/ }).waitFor();
    await page.reload();
    await page.getByRole('img', { name: /^sum of cpu: 3 series/ }).waitFor();
    await page.getByRole('region', { name: 'Resources' }).getByRole('link', { name: 'web-2' }).click();
    await page.getByRole('img', { name: /^sum of cpu: 1 series/ }).waitFor();
    await page.goBack();
    await page.getByRole('img', { name: /^sum of cpu: 3 series/ }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Period' }).inputValue()).toBe('300');
  });

  test('"mine" shows the meters of the user of the page', async () => {
    await someMeters();
    const { page } = await rig.open(addressOf('meters'));
    await choose(page, 'Whose', 'mine (default)');
    await page.getByRole('row', { name: /^cpu % gauge 1 / }).waitFor();
    expect(await page.getByRole('link', { name: 'disk/read bytes' }).count()).toBe(0);
    await page.getByRole('link', { name: 'cpu' }).click();
    await page.getByRole('region', { name: 'Resources' }).getByRole('link', { name: 'web-2' }).waitFor();
    expect(page.url()).toContain('user_id=default');
  });

  test('a new alarm begins with the meter and the resource', async () => {
    await someMeters();
    const { page, misdeeds } = await rig.open(addressOf('meters/cpu', 'resource_id=web-1'));
    await page.getByRole('link', { name: 'New alarm on this meter' }).click();
    await page.getByLabel('Name *').first().fill('cpu of web-1');
    expect(await page.getByLabel('Meter *').inputValue()).toBe('cpu');
    await page.getByLabel('Threshold *').fill('80');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.waitForURL(/#\/alarm\//);
    const [alarm] = (await rig.api.ask('GET', '/v2/alarms', { as: MEMBER })).json<Record<string, unknown>[]>();
    const query = [{ field: 'resource_id', op: 'eq', value: 'web-1' }, { field: 'project_id' }];
    expect(alarm).toMatchObject({ name: 'cpu of web-1', threshold_rule: { meter_name: 'cpu', query } });
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('without samples it says how to send them, and where the values of alarms are', async () => {
    await rig.api.create(
      {
        name: 'p',
        type: 'prometheus',
        prometheus_rule: { query: 'up', comparison_operator: 'gt', threshold: 1 },
      },
      MEMBER,
    );
    await rig.api.create(thresholdBody({ name: 't' }), MEMBER);
    await rig.api.clock.advance(KEPT_COUNTS_MS);
    const { page } = await rig.open(addressOf('meters'));
    await page.getByText('POST /v2/meters/{name}').waitFor();
    await page.getByText('1 alarm on Prometheus: the values are in Prometheus.').waitFor();
    await page.getByText(`${rig.api.url}/v2/meters/cpu_util`).waitFor();
    await page.getByLabel('Meter', { exact: true }).fill('none');
    await page.getByText('No meter with samples matches this filter.').waitFor();
  });

  test('shows why the service refuses statistics, and draws no chart of other choices', async () => {
    await someMeters();
    const { page } = await rig.open(addressOf('meters/cpu', SPAN), {
      observe: (opened) => {
        void opened.route(/groupby=source/, (route) =>
          route.fulfill({
            status: 400,
            json: {
              error_message: { faultcode: 'Client', faultstring: 'The statistics have more than 20000 results' },
            },
          }),
        );
      },
    });
    await chartOf(page).waitFor();
    await choose(page, 'Series', 'by source');
    await page.getByRole('alert').getByText('The statistics have more than 20000 results').waitFor();
    expect(await chartOf(page).count()).toBe(0);
    await choose(page, 'Series', 'by resource');
    await chartOf(page).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('a reader sees the chart and no button for a new alarm', async () => {
    await someMeters();
    const { page } = await rig.open(addressOf('meters/cpu', SPAN), {
      observe: (opened) => {
        void opened.route('**/*', (route) => {
          const headers = { ...route.request().headers(), 'x-roles': 'reader' };
          return route.continue({ headers });
        });
      },
    });
    await chartOf(page).waitFor();
    await page.getByRole('button', { name: 'Refresh' }).waitFor();
    expect(await page.getByRole('link', { name: 'New alarm on this meter' }).count()).toBe(0);
  });

  test.each([
    { what: 'on a laptop', query: 'group=resource_id' },
    { what: 'on a phone in the dark', query: 'group=resource_id', size: PHONE, dark: true },
    { what: 'on a narrow phone', query: `resource_id=${LONG}`, size: { width: 360, height: 700 } },
  ])('has no serious fault of accessibility and needs no sideways scrolling $what', async ({ query, ...options }) => {
    await someMeters();
    for (const [view, search] of [
      ['meters', ''],
      ['meters', 'by=resource'],
      ['meters/cpu', `${SPAN}&${query}`],
    ] as const) {
      const { page } = await rig.open(addressOf(view, search), options);
      await page
        .getByRole('link', { name: view === 'meters' ? 'cpu' : LONG })
        .first()
        .waitFor();
      if (view !== 'meters') await page.locator('.u-over').waitFor();
      if (view !== 'meters') await page.getByText('Figures as a table').click();
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await seriousFaults(page)).toEqual([]);
    }
  });
});

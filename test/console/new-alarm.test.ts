import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS } from '../support/browser.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();

const newAddress = (type: string): string => `new?project=p1&type=${type}`;
const stored = async (id: string): Promise<Record<string, unknown>> =>
  (await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
const fill = async (page: Page, values: Record<string, string>): Promise<void> => {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
};
/** Waits for the view of the alarm, and returns its id. */
async function idOfCreated(page: Page): Promise<string> {
  await page.waitForURL(/#\/alarm\//);
  return decodeURIComponent(/#\/alarm\/([^?]+)/.exec(page.url())?.[1] ?? '');
}

interface FormCase {
  type: string;
  write: (page: Page) => Promise<void>;
  rule: unknown;
  more?: Record<string, unknown>;
}

const gnocchi = { 'Aggregation method': 'mean', 'Threshold *': '0.5', 'Granularity (s)': '300' };
const GNOCCHI_RULE = {
  aggregation_method: 'mean',
  comparison_operator: 'gt',
  threshold: 0.5,
  granularity: 300,
  evaluation_periods: 1,
};

const CASES: FormCase[] = [
  {
    type: 'threshold',
    write: async (page) => {
      await fill(page, { 'Meter *': 'cpu', 'Threshold *': '80', 'Period (s)': '120', Periods: '3' });
      await page.getByLabel('Comparison').selectOption('ge');
      await page.getByRole('button', { name: 'Add to Conditions' }).click();
      const row = page.getByRole('group', { name: 'Conditions 1' });
      await row.getByLabel('Field').fill('resource_id');
      await row.getByLabel('Value').fill('r1');
      await page.getByRole('button', { name: 'Add to Actions on alarm' }).click();
      await page.getByRole('textbox', { name: 'Actions on alarm 1' }).fill('http://receiver.example.com/hook');
      await page.getByText('More of the rule').click();
      await fill(page, { 'Clear threshold': '70', 'Datapoints to alarm': '2' });
      await page.getByRole('button', { name: 'Add to Time constraints' }).click();
      const constraint = page.getByRole('group', { name: 'Time constraints 1' });
      await constraint.getByLabel('Name').fill('by day');
      await constraint.getByLabel('Start').fill('0 8 * * *');
      await constraint.getByLabel('Duration').fill('36000');
    },
    rule: {
      meter_name: 'cpu',
      comparison_operator: 'ge',
      threshold: 80,
      period: 120,
      evaluation_periods: 3,
      statistic: 'avg',
      exclude_outliers: false,
      query: [
        { field: 'resource_id', op: 'eq', value: 'r1', type: '' },
        { field: 'project_id', op: 'eq', value: 'p1', type: '' },
      ],
    },
    more: {
      alarm_actions: ['http://receiver.example.com/hook'],
      tocsin: { clear_threshold: 70, datapoints_to_alarm: 2 },
      time_constraints: [expect.objectContaining({ name: 'by day', start: '0 8 * * *', duration: 36_000 })],
    },
  },
  {
    type: 'prometheus',
    write: (page) => fill(page, { 'Query *': 'rate(errors_total[5m])', 'Threshold *': '0.5' }),
    rule: { query: 'rate(errors_total[5m])', comparison_operator: 'gt', threshold: 0.5 },
  },
  {
    type: 'gnocchi_resources_threshold',
    write: (page) =>
      fill(page, { ...gnocchi, 'Metric *': 'cpu', 'Resource type *': 'instance', 'Resource *': 'a resource' }),
    rule: { ...GNOCCHI_RULE, metric: 'cpu', resource_type: 'instance', resource_id: 'a resource' },
  },
  {
    type: 'gnocchi_aggregation_by_metrics_threshold',
    write: async (page) => {
      await fill(page, gnocchi);
      for (const [index, metric] of ['m1', 'm2'].entries()) {
        await page.getByRole('button', { name: 'Add to Metrics' }).click();
        await page.getByRole('textbox', { name: `Metrics ${index + 1}` }).fill(metric);
      }
    },
    rule: { ...GNOCCHI_RULE, metrics: ['m1', 'm2'] },
  },
  {
    type: 'gnocchi_aggregation_by_resources_threshold',
    write: (page) =>
      fill(page, {
        ...gnocchi,
        'Metric *': 'cpu',
        'Resource type *': 'instance',
        'Query *': '{"=": {"group": "web"}}',
      }),
    rule: { ...GNOCCHI_RULE, metric: 'cpu', resource_type: 'instance', query: expect.stringContaining('"web"') },
  },
  {
    type: 'event',
    write: async (page) => {
      await fill(page, { 'Event type': 'compute.instance.*' });
      await page.getByRole('button', { name: 'Add to Conditions' }).click();
      const row = page.getByRole('group', { name: 'Conditions 1' });
      await row.getByLabel('Field').fill('traits.disk_gb');
      await row.getByLabel('Comparison').selectOption('ge');
      await row.getByLabel('Value').fill('20');
      await row.getByLabel('Type').selectOption('integer');
    },
    rule: {
      event_type: 'compute.instance.*',
      query: [{ field: 'traits.disk_gb', op: 'ge', value: '20', type: 'integer' }],
    },
  },
  {
    type: 'loadbalancer_member_health',
    write: (page) => fill(page, { 'Pool *': 'p', 'Stack *': 's', 'Autoscaling group *': 'g' }),
    rule: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' },
  },
  {
    type: 'composite',
    write: async (page) => {
      const root = page.getByRole('group', { name: 'Rule' });
      await root.getByLabel('Operator').selectOption('and');
      await root.getByLabel('Add a rule').selectOption('prometheus');
      await fill(page, { 'Query *': 'up', 'Threshold *': '1' });
      await root.getByLabel('Add a rule').last().selectOption('or');
      const inner = root.getByLabel('Add a rule').first();
      await inner.selectOption('prometheus');
      await page.getByLabel('Query *').nth(1).fill('down');
      await page.getByLabel('Threshold *').nth(1).fill('2');
    },
    rule: {
      and: [
        { type: 'prometheus', query: 'up', threshold: 1, comparison_operator: 'gt' },
        { or: [{ type: 'prometheus', query: 'down', threshold: 2, comparison_operator: 'gt' }] },
      ],
    },
  },
];

describeWith(['chromium'], 'the form of an alarm in Chromium', () => {
  test('the choice of types leads from the list of alarms to a form', async () => {
    const { page, misdeeds } = await rig.open('alarms?project=p1');
    await page.getByRole('link', { name: 'New alarm' }).click();
    await page.getByRole('link', { name: 'Prometheus Compares' }).click();
    await page.getByLabel('Query *').waitFor();
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test.each(CASES)('an alarm of type $type is created as it was meant', async ({ type, write, rule, more = {} }) => {
    const { page } = await rig.open(newAddress(type));
    await page.getByLabel('Name *').first().fill(`a ${type}`);
    await write(page);
    await page.getByRole('button', { name: 'Create' }).click();
    const created = await stored(await idOfCreated(page));
    expect(created).toMatchObject({ name: `a ${type}`, type, [`${type}_rule`]: rule, ...more });
  });

  test('a combination is made of alarms that are found by their names', async () => {
    const ids = [];
    for (const name of ['first cpu', 'second cpu']) ids.push(await rig.api.create(thresholdBody({ name }), MEMBER));
    const { page, misdeeds } = await rig.open(newAddress('combination'));
    await page.getByLabel('Name *').fill('both');
    await page.getByLabel('Find alarms').fill('cpu');
    for (const name of ['first cpu', 'second cpu']) {
      await page.getByRole('list', { name: 'Found alarms' }).getByRole('button', { name }).click();
    }
    await page.getByRole('button', { name: 'Remove second cpu' }).waitFor();
    await page.getByRole('button', { name: 'Create' }).click();
    const created = await stored(await idOfCreated(page));
    expect(created).toMatchObject({ combination_rule: { operator: 'and', alarm_ids: ids } });
    // The service has another time than the page, and refuses to evaluate drafts: on a busy machine one is evaluated.
    expect(misdeeds.requestsElsewhere).toEqual([]);
  });

  test('a mandatory field without a value is pointed at by the browser, and nothing is sent', async () => {
    const { page, misdeeds } = await rig.open(newAddress('threshold'));
    await page.getByRole('button', { name: 'Create' }).click();
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('field.name');
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test.each([
    {
      what: 'of a condition',
      wrong: async (page: Page) => {
        await page.getByRole('button', { name: 'Add to Conditions' }).click();
        const row = page.getByRole('group', { name: 'Conditions 1' });
        await row.getByLabel('Field').fill('colour');
        await row.getByLabel('Value').fill('red');
      },
      field: 'field.threshold_rule.query.0.field',
      text: 'Unknown argument: "colour": unrecognized field in query',
    },
    {
      what: 'of a folded option',
      wrong: async (page: Page) => {
        await page.getByText('More of the rule').click();
        await page.getByLabel('Datapoints to alarm').fill('7');
        await page.getByText('More of the rule').click();
      },
      field: 'field.tocsin.datapoints_to_alarm',
      text: 'evaluation_periods',
    },
    {
      what: 'of an action',
      wrong: async (page: Page) => {
        await page.getByRole('button', { name: 'Add to Actions on ok' }).click();
        await page.getByRole('textbox', { name: 'Actions on ok 1' }).fill('gopher://old');
      },
      field: 'field.ok_actions.0',
      text: 'Unsupported action gopher://old',
    },
    {
      what: 'of a time constraint',
      wrong: async (page: Page) => {
        await page.getByRole('button', { name: 'Add to Time constraints' }).click();
        const constraint = page.getByRole('group', { name: 'Time constraints 1' });
        await constraint.getByLabel('Name').fill('n');
        await constraint.getByLabel('Start').fill('not cron');
        await constraint.getByLabel('Duration').fill('60');
      },
      field: 'field.time_constraints.0.start',
      text: 'Exactly 5 or 6 columns',
    },
  ])('what the service says $what stands beside that field', async ({ wrong, field, text }) => {
    const { page } = await rig.open(newAddress('threshold'));
    await fill(page, { 'Name *': 'n', 'Meter *': 'cpu', 'Threshold *': '1' });
    await wrong(page);
    await page.getByRole('button', { name: 'Create' }).click();
    const fault = page.locator(`[id="${field}.fault"]`);
    await fault.waitFor();
    expect(await fault.textContent()).toContain(text);
    expect(await page.locator(`[id="${field}"]`).getAttribute('aria-invalid')).toBe('true');
  });

  test('a composite alarm without a rule is not sent, and the rule is marked until it has one', async () => {
    const { page } = await rig.open(newAddress('composite'));
    const sent: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).pathname));
    await fill(page, { 'Name *': 'n' });
    await page.getByRole('button', { name: 'Create' }).click();
    const rule = page.getByRole('group', { name: 'Rule' });
    await rule.getByText('This field is mandatory.').waitFor();
    expect(sent).not.toContain('/v2/alarms');
    await rule.getByLabel('Add a rule').last().selectOption('prometheus');
    await fill(page, { 'Query *': 'up', 'Threshold *': '1' });
    await page.getByRole('button', { name: 'Create' }).click();
    await idOfCreated(page);
  });
});

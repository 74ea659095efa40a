import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { combinationBody, MEMBER, thresholdBody } from '../support/api.js';
import { descriptionOf } from '../support/browser.js';
import { HOUR, startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const VALUES = '**/v1/alarms/values';
const rig = startPageRig();

/** Lets drafts be evaluated over a span in the past of the service. */
async function inThePast(page: Page): Promise<void> {
  await page.route(VALUES, (route) => {
    const body = route.request().postDataJSON() as object;
    return route.continue({ postData: JSON.stringify({ ...body, ...HOUR }) });
  });
}
const observe = (page: Page): void => void inThePast(page);

const outcomeOf = (page: Page) => page.getByRole('region', { name: 'Last 24 hours' });
const focusedId = (page: Page): Promise<string> => page.evaluate<string>('document.activeElement.id');

async function openThreshold(): Promise<Page> {
  const { page } = await rig.open('new?project=p1&type=threshold', { observe });
  await fillThreshold(page);
  return page;
}

async function fillThreshold(page: Page): Promise<void> {
  await page.getByLabel('Meter *').fill('cpu');
  await page.getByLabel('Threshold *').fill('80');
}

async function addConstraint(page: Page): Promise<void> {
  await fillThreshold(page);
  await page.getByRole('button', { name: 'Add to Time constraints' }).click();
  const constraint = page.getByRole('group', { name: 'Time constraints 1' });
  for (const [field, value] of [
    ['Name', 'n'],
    ['Start', '0 0 * * *'],
    ['Duration', '60'],
  ] as const) {
    await constraint.getByLabel(field).fill(value);
  }
}

/** Adds a rule to a composite one. */
async function addRule(page: Page): Promise<void> {
  const rule = page.getByRole('group', { name: 'Rule' });
  await rule.getByLabel('Add a rule').last().selectOption('prometheus');
  await rule.getByLabel('Query *').fill('up');
  await rule.getByLabel('Threshold *').fill('1');
}

const CASES = [
  {
    what: 'a number out of bounds',
    write: (page: Page) => page.getByLabel('Period (s)').fill('0'),
    mend: (page: Page) => page.getByLabel('Period (s)').fill('60'),
    field: 'field.threshold_rule.period',
    text: 'Value should be greater or equal to 1',
    title: 'Period',
  },
  {
    what: 'an action without a receiver, in its row',
    async write(page: Page) {
      await page.getByRole('button', { name: 'Add to Actions on alarm' }).click();
      await page.getByRole('textbox', { name: 'Actions on alarm 1' }).fill('http://receiver.example.com/');
      await page.getByRole('button', { name: 'Add to Actions on alarm' }).click();
      await page.getByRole('textbox', { name: 'Actions on alarm 2' }).fill('htp:/x');
    },
    mend: (page: Page) => page.getByRole('button', { name: 'Remove Actions on alarm 2' }).click(),
    field: 'field.alarm_actions.1',
    text: 'Unsupported action htp:***',
    title: 'Actions on alarm',
  },
];

describeWith(['chromium'], 'a draft that the service refuses', () => {
  test.each(CASES)(
    'has the refusal of $what beside the field while the user types, until the value changes',
    async ({ write, mend, field, text, title }) => {
      const page = await openThreshold();
      await write(page);
      const typing = await focusedId(page);
      const fault = page.locator(`[id="${field}.fault"]`);
      await fault.getByText(text).waitFor();
      expect(await focusedId(page)).toBe(typing);
      await outcomeOf(page).getByText(`The draft is not complete. ${title}: ${text}`).waitFor();
      await mend(page);
      await fault.waitFor({ state: 'detached' });
      await page.getByText('It would not have fired in the last 24 hours.').waitFor();
    },
  );

  test('keeps the refusal of a saved draft until the value changes', async () => {
    const page = await openThreshold();
    await page.getByLabel('Name *').fill('n');
    await page.route(VALUES, () => undefined);
    await CASES[1]!.write(page);
    await page.getByRole('button', { name: 'Create' }).click();
    const fault = page.locator('[id="field.alarm_actions.1.fault"]');
    await fault.waitFor();
    expect(await page.locator('.alarm-form > .failure, .alarm-form > [role="alert"]').count()).toBe(0);
    await page.getByRole('textbox', { name: 'Actions on alarm 2' }).fill('http://receiver.example.com/2');
    await fault.waitFor({ state: 'detached' });
  });

  test('keeps the refusal of a saved draft beside that of another field that is typed', async () => {
    const page = await openThreshold();
    await page.getByLabel('Name *').fill('n');
    const unanswered = (): void => undefined;
    await page.route(VALUES, unanswered);
    await CASES[1]!.write(page);
    await page.getByRole('button', { name: 'Create' }).click();
    const saved = page.locator('[id="field.alarm_actions.1.fault"]');
    await saved.waitFor();
    await page.unroute(VALUES, unanswered);
    await CASES[0]!.write(page);
    await page.locator(`[id="${CASES[0]!.field}.fault"]`).waitFor();
    expect([await saved.count(), await focusedId(page)]).toEqual([1, CASES[0]!.field]);
  });

  test('says which mandatory field has no value, also while the refusal of another one stands', async () => {
    const { page } = await rig.open('new?project=p1&type=composite');
    await page.route(VALUES, () => undefined);
    const rule = page.getByRole('group', { name: 'Rule' });
    await page.getByLabel('Name *').fill('n');
    await addRule(page);
    await CASES[1]!.write(page);
    await page.getByRole('button', { name: 'Create' }).click();
    await page.locator('[id="field.alarm_actions.1.fault"]').waitFor();
    await rule.getByRole('button', { name: 'Remove this rule' }).click();
    await page.getByRole('button', { name: 'Create' }).click();
    await rule.getByText('This field is mandatory.').waitFor();
    await rule.locator('select:focus').first().waitFor();
  });

  test('has the refusal of a folded field in its outcome', async () => {
    const rule = { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt', evaluation_periods: 5 };
    const body = thresholdBody({ threshold_rule: rule, tocsin: { datapoints_to_alarm: 3 } });
    const { page } = await rig.open(`edit/${await rig.api.create(body, MEMBER)}?project=p1`, { observe });
    await page.locator('[id="field.threshold_rule.evaluation_periods"]').fill('2');
    await outcomeOf(page)
      .getByText(/Datapoints to alarm: .*evaluation_periods, which is 2/)
      .waitFor();
    expect(await focusedId(page)).toBe('field.threshold_rule.evaluation_periods');
  });

  test.each([
    { what: 'a check box', type: 'threshold', add: fillThreshold, at: 'repeat_actions' },
    { what: 'a row of a list', type: 'threshold', add: addConstraint, at: 'time_constraints/0' },
    { what: 'a group of fields', type: 'composite', add: addRule, at: 'composite_rule/or/0/tocsin' },
  ])('has the refusal of $what at that place', async ({ type, add, at }) => {
    const { page } = await rig.open(`new?project=p1&type=${type}`);
    const refusal = { error_message: { faultcode: 'Client', faultstring: 'This cannot be.', debuginfo: null } };
    await page.route(VALUES, (route) =>
      route.fulfill({ status: 400, headers: { 'Tocsin-Field': `/alarm/${at}` }, json: refusal }),
    );
    await add(page);
    const fault = page.locator(`[id="field.${at.replaceAll('/', '.')}.fault"]`);
    await fault.getByText('This cannot be.').waitFor({ state: 'attached' });
    await outcomeOf(page).getByText('This cannot be.').waitFor();
  });

  test('has the refusal of a member of a combination beside that alarm', async () => {
    const ids = [];
    for (const name of ['first', 'second']) ids.push(await rig.api.create(thresholdBody({ name }), MEMBER));
    const id = await rig.api.create(combinationBody(ids), MEMBER);
    await rig.api.ask('DELETE', `/v2/alarms/${ids[1]}`, { as: MEMBER });
    const { page } = await rig.open(`edit/${id}?project=p1`, { observe });
    await page
      .locator('[id="field.combination_rule.alarm_ids.1.fault"]')
      .getByText(`Alarm ${ids[1]} not found`)
      .waitFor();
  });
});

describeWith(['chromium'], 'a type of alarms that is of no use here', () => {
  const OFFERS = {
    prometheus: { configured: true, allowed: false, reason: 'only admins may use Prometheus' },
    gnocchi_resources_threshold: { configured: false, allowed: true, reason: 'no gnocchi backend is configured' },
  };
  async function withOffers(page: Page): Promise<void> {
    await page.route('**/v1/alarm-schema', async (route) => {
      const answer = await route.fetch();
      const schema = (await answer.json()) as { 'x-types': object };
      const types = { ...schema['x-types'], ...OFFERS };
      await route.fulfill({ response: answer, json: { ...schema, 'x-types': types } });
    });
  }
  const offered = (page: Page): void => void withOffers(page);

  test('is marked in the choice of types, in its form and within composite rules', async () => {
    const { page } = await rig.open('new?project=p1', { observe: offered });
    await page
      .getByRole('link', { name: /^Prometheus/ })
      .getByText('Only for admins here.')
      .waitFor();
    const gnocchi = page.getByRole('link', { name: 'Gnocchi: one resource' });
    await gnocchi.getByText('Not configured here. No gnocchi backend is configured. You can save').waitFor();
    expect(await page.getByText('Not configured here.').count()).toBe(1);
    await gnocchi.click();
    await page.getByRole('region', { name: 'Gnocchi: one resource' }).getByText('Not configured here.').waitFor();
    await page.goto(`${rig.api.url}/console#/new?project=p1&type=composite`);
    await page.getByLabel('Add a rule').selectOption({ label: 'Gnocchi: one resource: not configured here' });
    await page.getByRole('group', { name: 'Rule' }).getByText('Not configured here.').waitFor();
  });
});

describeWith(['chromium'], 'hints in a form', () => {
  test('stand beside a query and a condition that probably are not meant', async () => {
    const { page } = await rig.open('new?project=p1&type=prometheus', { observe });
    await page.getByLabel('Query *').fill('rate(up[5m]');
    await page.getByText('The bracket ( is not closed.').waitFor();
    expect(await descriptionOf(page.getByLabel('Query *'))).toContain('The bracket ( is not closed.');
    await page.getByLabel('Query *').fill('rate(up[5m])');
    await page.getByText('The bracket ( is not closed.').waitFor({ state: 'detached' });
    await page.goto(`${rig.api.url}/console#/new?project=p1&type=event`);
    await page.getByRole('button', { name: 'Add to Conditions' }).click();
    await page.getByRole('group', { name: 'Conditions 1' }).getByLabel('Field').fill('instance_id');
    await page.getByText('For a trait write traits.instance_id.').waitFor();
  });
});

describeWith(['chromium'], 'the focus in a form', () => {
  test.each([1280, 390])('is never behind the bar when it goes back by keyboard at %d pixels', async (width) => {
    const page = await openThreshold();
    await page.setViewportSize({ width, height: 700 });
    await page.getByRole('button', { name: 'Create' }).focus();
    const hidden: string[] = [];
    let steps = 0;
    for (; steps < 60; steps += 1) {
      await page.keyboard.press('Shift+Tab');
      const { id, isInBar, isHidden } = await page.evaluate<{ id: string; isInBar: boolean; isHidden: boolean }>(FOCUS);
      if (isInBar) break;
      if (isHidden) hidden.push(id);
    }
    expect([steps > 10 && steps < 60, hidden]).toEqual([true, []]);
  });

  const FOCUS = `(() => {
    const [element, bar] = [document.activeElement, document.querySelector('.bar')];
    const { top, bottom } = element.getBoundingClientRect();
    const isHidden = top < bar.getBoundingClientRect().bottom || bottom > innerHeight;
    return { id: element.id || element.textContent, isInBar: bar.contains(element), isHidden };
  })()`;
});

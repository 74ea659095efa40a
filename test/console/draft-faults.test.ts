import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { combinationBody, MEMBER, thresholdBody } from '../support/api.js';
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

async function openThreshold(): Promise<Page> {
  const { page } = await rig.open('new?project=p1&type=threshold', { observe });
  await page.getByLabel('Meter *').fill('cpu');
  await page.getByLabel('Threshold *').fill('80');
  return page;
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
      const typing = await page.evaluate<string>('document.activeElement.id');
      const fault = page.locator(`[id="${field}.fault"]`);
      await fault.getByText(text).waitFor();
      expect(await page.evaluate<string>('document.activeElement.id')).toBe(typing);
      await page
        .getByRole('region', { name: 'Last 24 hours' })
        .getByText(`The draft is not complete. Wrong: ${title}.`)
        .waitFor();
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

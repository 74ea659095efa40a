import { beforeEach, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

const rig = startPageRig();
const VALUES = '**/v1/alarms/values';
/** The accessible name of the element that has the focus. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(`(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()`);

describeWith(['chromium'], 'the focus in lists of a form', () => {
  test('goes to a new row, to the row that takes the place of a removed one, and at last to the button', async () => {
    const { page } = await rig.open('new?project=p1&type=event');
    const add = page.getByRole('button', { name: 'Add to Actions on alarm' });
    for (const number of [1, 2, 3]) {
      await add.click();
      expect(await focused(page)).toBe(`Actions on alarm ${number}`);
      await page.keyboard.type(`http://receiver.example.com/${number}`);
    }
    const remove = (number: number) => page.getByRole('button', { name: `Remove Actions on alarm ${number}` }).click();
    await remove(1);
    expect(await focused(page)).toBe('Remove Actions on alarm 1');
    expect(await page.getByRole('textbox', { name: 'Actions on alarm 1' }).inputValue()).toMatch(/2$/);
    await remove(2);
    expect(await focused(page)).toBe('Remove Actions on alarm 1');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('Add to Actions on alarm');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('Actions on alarm 1');
  });

  test('stays in the tree of a composite rule', async () => {
    const { page } = await rig.open('new?project=p1&type=composite');
    await page.getByRole('combobox', { name: 'Add a rule' }).selectOption('prometheus');
    expect(await page.evaluate<string>('document.activeElement.id')).toMatch(/^field\.composite_rule\.or\.0\./);
    await page.getByRole('button', { name: 'Remove this rule' }).click();
    expect(await focused(page)).toBe('Add a rule');
  });

  test('stays in the chosen alarms of a combination', async () => {
    for (const name of ['first cpu', 'second cpu']) await rig.api.create(thresholdBody({ name }), MEMBER);
    const { page } = await rig.open('new?project=p1&type=combination');
    await page.getByLabel('Find alarms').fill('cpu');
    for (const name of ['first cpu', 'second cpu']) {
      await page.getByRole('list', { name: 'Found alarms' }).getByRole('button', { name }).click();
      expect(await page.evaluate<string>('document.activeElement.type')).toBe('search');
    }
    await page.getByRole('button', { name: 'Remove first cpu' }).click();
    expect(await focused(page)).toBe('Remove second cpu');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.type')).toBe('search');
  });

  test('stays in the matchers of a silence', async () => {
    const { page } = await rig.open('silences/new?project=p1');
    await page.getByRole('button', { name: 'and …' }).click();
    expect(await focused(page)).toBe('Field');
    await page.getByRole('button', { name: 'Remove this matcher' }).last().click();
    expect(await focused(page)).toBe('and …');
  });
});

describeWith(['chromium'], 'a field that is entered as JSON', () => {
  let id: string;
  beforeEach(async () => {
    id = await rig.api.create(thresholdBody({ name: 'cpu high', time_constraints: [] }), MEMBER);
  });

  /** The form has no input for such a schema. */
  async function withJsonSeverity(page: Page): Promise<void> {
    await page.route('**/v1/alarm-schema', async (route) => {
      const answer = await route.fetch();
      const schema = (await answer.json()) as { properties: Record<string, unknown> };
      schema.properties['severity'] = { title: 'Severity', anyOf: [{ type: 'string' }, { type: 'number' }] };
      await route.fulfill({ response: answer, json: schema });
    });
  }

  test('keeps what is typed, and shows the value of another edit that the user takes over', async () => {
    const observe = (page: Page): void => void withJsonSeverity(page);
    const { page } = await rig.open(`edit/${id}?project=p1`, { observe });
    const field = page.getByLabel('Severity');
    expect(await field.inputValue()).toBe('"low"');
    await field.fill('"mode');
    expect(await field.inputValue()).toBe('"mode');
    expect(await page.evaluate<string>(`document.querySelector('textarea.code').validationMessage`)).toMatch(/JSON/);
    await field.fill('"moderate"');
    await rig.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ severity: 'critical' }) });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Discard my changes' }).click();
    expect(await field.inputValue()).toBe('"critical"');
    expect(await page.evaluate<string>(`document.querySelector('textarea.code').validationMessage`)).toBe('');
  });
});

describeWith(['chromium'], 'the evaluation of a draft', () => {
  test('waits for no answer once the draft is incomplete', async () => {
    const { page } = await rig.open('new?project=p1&type=threshold');
    const arrived = page.waitForRequest(VALUES);
    await page.route(VALUES, () => undefined);
    await page.getByLabel('Meter *').fill('cpu');
    await page.getByLabel('Threshold *').fill('80');
    const outcome = page.getByRole('region', { name: 'Last 24 hours' });
    await arrived;
    expect(await outcome.getAttribute('aria-busy')).toBe('true');
    await page.getByLabel('Meter *').fill('');
    await page.locator('[aria-label="Last 24 hours"][aria-busy="false"]').waitFor({ timeout: 20_000 });
    await outcome.getByText('Missing: Meter.').waitFor();
  });
});

import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';

import { MEMBER, thresholdBody } from '../support/api.js';
import { startPageRig } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';

interface Change {
  what: string;
  /** Opens the form or the dialog, and changes something. */
  begin: (page: Page) => Promise<void>;
  send: (page: Page) => Promise<void>;
  /** Fields of the alarm afterwards; undefined if it is gone. */
  after: object | undefined;
}

const inDialog = (name: string) => (page: Page) => page.getByRole('dialog').getByRole('button', { name }).click();

const CHANGES: Change[] = [
  {
    what: 'an edit',
    begin: async (page) => {
      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByLabel('Threshold *').fill('85');
    },
    send: async (page) => {
      await page.getByRole('button', { name: 'Save' }).click();
      await inDialog('Save')(page);
    },
    after: { enabled: true, threshold_rule: { threshold: 85 } },
  },
  {
    what: 'Disable',
    begin: (page) => page.getByRole('button', { name: 'Disable' }).click(),
    send: inDialog('Disable'),
    after: { enabled: false, threshold_rule: { threshold: 80 } },
  },
  {
    what: 'Delete',
    begin: (page) => page.getByRole('button', { name: 'Delete' }).click(),
    send: inDialog('Delete'),
    after: undefined,
  },
];

describeWith(['chromium'], 'a change of an alarm whose state changes meanwhile', () => {
  const rig = startPageRig();

  async function begun({ begin }: Change): Promise<{ page: Page; id: string }> {
    const id = await rig.api.create(thresholdBody({ name: 'flapping' }), MEMBER);
    const { page } = await rig.open(`alarm/${id}?project=p1`);
    await page.getByRole('heading', { name: 'flapping' }).waitFor();
    await begin(page);
    return { page, id };
  }

  /** Sets another state before each of the next requests that change the alarm. Returns the last state. */
  async function flap(page: Page, id: string, times: number): Promise<() => string> {
    let changes = 0;
    const state = (): string => (changes % 2 === 0 ? 'ok' : 'alarm');
    const set = (): Promise<unknown> => rig.api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: state() });
    await set();
    await page.route(`**/v2/alarms/${id}`, async (route) => {
      if (route.request().method() !== 'GET' && changes < times) {
        changes += 1;
        await set();
      }
      await route.continue();
    });
    return state;
  }

  test.each(CHANGES)('$what is sent again until it meets the present state, which stays', async (change) => {
    const { page, id } = await begun(change);
    const state = await flap(page, id, 3);
    await change.send(page);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForURL(change.after ? /#\/alarm\// : /#\/alarms/);
    if (change.after) await page.getByRole('heading', { name: 'flapping' }).waitFor();
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    if (change.after) expect(stored.json()).toMatchObject({ ...change.after, state: state() });
    else expect(stored.status).toBe(404);
  });

  test.each(CHANGES)('$what is given up if the state changes each time, and nothing is lost', async (change) => {
    const { page, id } = await begun(change);
    await flap(page, id, Infinity);
    await change.send(page);
    await page.getByText('The state of the alarm changed during each attempt: try again.').waitFor();
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(stored.json()).toMatchObject({ enabled: true, threshold_rule: { threshold: 80 } });
  });

  test.each(CHANGES)('$what is a conflict if the definition has changed, too', async (change) => {
    const { page, id } = await begun(change);
    await rig.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ name: 'renamed' }) });
    await flap(page, id, 1);
    await change.send(page);
    await page.getByText('The alarm has changed since you opened it').waitFor();
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(stored.json()).toMatchObject({ name: 'renamed', enabled: true, threshold_rule: { threshold: 80 } });
  });

  /** Passes the answers of reads of the alarm through with another tag; undefined: without one. */
  async function retag(page: Page, id: string, tagOf: (tag: string) => string | undefined): Promise<void> {
    await page.route(`**/v2/alarms/${id}`, async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const response = await route.fetch();
      const { etag = '', ...headers } = response.headers();
      const tag = tagOf(etag);
      return route.fulfill({ response, headers: { ...headers, ...(tag !== undefined && { etag: tag }) } });
    });
    await page.reload();
    await page.getByRole('heading', { name: 'flapping' }).waitFor();
  }
  async function opened(): Promise<{ page: Page; id: string }> {
    const id = await rig.api.create(thresholdBody({ name: 'flapping' }), MEMBER);
    return { page: (await rig.open(`alarm/${id}?project=p1`)).page, id };
  }

  test.each(CHANGES)('$what is not sent if a proxy removes the ETag, which is said', async (change) => {
    const { page, id } = await opened();
    await retag(page, id, () => undefined);
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith(`/v2/alarms/${id}`)) sent.push(request.method());
    });
    await change.begin(page);
    await change.send(page);
    await page.getByText("The service's answer had no ETag; a proxy may remove it.").waitFor();
    expect(new Set(sent)).toEqual(new Set(change.what === 'an edit' ? ['GET'] : []));
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(stored.json()).toMatchObject({ enabled: true, threshold_rule: { threshold: 80 } });
  });

  test.each(CHANGES)('$what is sent with the strong tag if a proxy makes the tag weak', async (change) => {
    const { page, id } = await opened();
    await retag(page, id, (tag) => `W/${tag}`);
    await change.begin(page);
    await change.send(page);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    if (change.after) expect(stored.json()).toMatchObject(change.after);
    else expect(stored.status).toBe(404);
  });

  test.each(CHANGES)('$what is sent once if its tag is refused although it is the present one', async (change) => {
    const { page, id } = await begun(change);
    let sent = 0;
    await page.route(`**/v2/alarms/${id}`, (route) => {
      if (route.request().method() === 'GET') return route.continue();
      sent += 1;
      const refusal = { error_message: { faultcode: 'Client', faultstring: 'Another tag', debuginfo: null } };
      return route.fulfill({ status: 412, json: refusal });
    });
    await change.send(page);
    await page.getByText('Another tag').first().waitFor();
    expect(sent).toBe(1);
  });

  test('an edit of the state itself is saved', async () => {
    const id = await rig.api.create(thresholdBody({ name: 'flapping', state: 'ok' }), MEMBER);
    const { page } = await rig.open(`edit/${id}?project=p1`);
    await page.getByText('More of the alarm').click();
    await page.getByLabel('State').selectOption('insufficient data');
    await flap(page, id, 1);
    await page.getByRole('button', { name: 'Save' }).click();
    await inDialog('Save')(page);
    await page.waitForURL(/#\/alarm\//);
    const stored = await rig.api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(stored.json()).toMatchObject({ state: 'insufficient data' });
  });
});

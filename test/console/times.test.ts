import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import type { Page } from 'playwright-core';

import { axisTimes } from '../../src/console/chart/axis-times.js';
import { rest } from '../../src/console/shell/clock.js';
import { MEMBER, thresholdBody } from '../support/api.js';
import { NO_MISDEEDS, seriousFaults } from '../support/browser.js';
import { NOON } from '../support/builders.js';
import { HOUR, startPageRig, storeHourOfCpu } from '../support/page-rig.js';
import { describeWith } from '../support/servers.js';
import { storeNotification } from '../support/stored-notifications.js';

/** A language in which times have am and pm. */
const locale = 'en-US';
const AM_OR_PM = /\b[ap]\.?m\b|\d[ap]m\b/i;
/** Keeps the texts that are drawn on canvases. */
const RECORD_DRAWN = `
  globalThis.drawnTexts = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    drawnTexts.push(text);
    return fillText.call(this, text, ...place);
  };`;

describe('a wait between two requests', () => {
  test.each([
    { end: 'its time', ms: 1, abort: () => undefined },
    { end: 'an abort', ms: 1_000_000_000, abort: (work: AbortController) => work.abort() },
  ])('ends with $end, and leaves no listener', async ({ ms, abort }) => {
    const work = new AbortController();
    const waiting = rest(ms, work.signal);
    expect(getEventListeners(work.signal, 'abort')).toHaveLength(1);
    abort(work);
    await waiting;
    expect(getEventListeners(work.signal, 'abort')).toEqual([]);
  });

  test('ends at once if the work was aborted before', async () => {
    await rest(1_000_000_000, AbortSignal.abort());
  });
});

describe('the texts of a time axis', () => {
  const at = (time: string): number => Date.parse(time) / 1000;

  test('have the day below the first tick of each day', () => {
    const ticks = ['2026-01-01T22:30:00', '2026-01-01T23:30:00', '2026-01-02T00:30:00', '2026-01-02T01:30:00'].map(at);
    expect(axisTimes(ticks, 3_600)).toEqual([
      expect.stringMatching(/^22:30\n.*1/),
      '23:30',
      expect.stringMatching(/^00:30\n.*2/),
      '01:30',
    ]);
  });

  test('have seconds if the ticks are less than a minute apart, and are days if they are days apart', () => {
    const [first = '', second] = axisTimes(['2026-01-01T13:00:00', '2026-01-01T13:00:30'].map(at), 30);
    expect([first.split('\n')[0], second]).toEqual(['13:00:00', '13:00:30']);
    for (const day of axisTimes(['2026-01-01T00:00:00', '2026-01-02T00:00:00'].map(at), 86_400))
      expect(day).not.toMatch(/:/);
  });
});

describeWith(['chromium'], 'times on the page', () => {
  const rig = startPageRig();

  /** The texts of all times on the page, which must say UTC when the pointer is on them. */
  async function timesOf(page: Page): Promise<string[]> {
    expect(await page.locator('time:not([title*="UTC"])').allTextContents()).toEqual([]);
    return page.locator('time').allTextContents();
  }

  test('have 24 hours in the zone of the user, also in a language that has am and pm', async () => {
    await storeHourOfCpu(rig.api);
    const id = await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    await storeNotification(rig.db, { id: 'n', alarmId: id, projectId: 'p1', status: 'dead' });
    const observe = (opened: Page): void => void opened.addInitScript(RECORD_DRAWN);
    const { page, misdeeds } = await rig.open(`alarm/${id}?project=p1&span=1h&until=${HOUR.stop}`, { locale, observe });
    await page.locator('.u-over').hover();
    await page.locator('figcaption time').waitFor();
    await page.locator('.notification').waitFor();
    await page.getByText(/created by/).waitFor();
    const times = await timesOf(page);
    const drawn = await page.evaluate<string[]>('drawnTexts');
    expect(times.length).toBeGreaterThan(3);
    expect([...times, ...drawn].filter((text) => AM_OR_PM.test(text))).toEqual([]);
    expect(await page.locator('figcaption time').textContent()).toMatch(/1[12]:\d\d:\d\d$/);
    expect(drawn).toEqual(expect.arrayContaining(['11:30', 'Jan 1']));
    expect(misdeeds).toEqual(NO_MISDEEDS);
  });

  test('have their year if it is another one', async () => {
    const silence = { matchers: [{ field: 'name', value: '*' }], ends_at: '2099-01-01T00:00:00Z' };
    await rig.api.create(thresholdBody({ name: 'cpu high' }), MEMBER);
    await rig.api.ask('POST', '/v1/silences', { as: MEMBER, body: { ...silence, reason: 'r', owner: 'o' } });
    const { page } = await rig.open('alarms?project=p1', { locale });
    await page.getByText('silenced until').waitFor();
    expect(await timesOf(page)).toContain('Jan 1, 2099, 01:00');
  });

  test('in a sentence have no space before the full stop', async () => {
    const nextAttemptAt = new Date(NOON.getTime() + 60_000);
    await storeNotification(rig.db, { id: 'n', projectId: 'p1', status: 'pending', attempt: 2, nextAttemptAt });
    const { page } = await rig.open('notifications?project=p1', { locale });
    await page.getByText('Next attempt:').waitFor();
    expect(await timesOf(page)).toEqual(expect.arrayContaining([expect.stringMatching(/13:01$/)]));
    expect(await seriousFaults(page)).toEqual([]);
  });
});

import { Agent } from 'node:http';

import { ensureDebianPackages } from '../../dev/servers/debian-packages.js';
import { LAPTOP, startBrowser } from '../../test/support/browser.js';
import { CHROMIUM } from '../../test/support/peer-programs.js';
import { atMost, percentile, plain, type Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { fillProject, PROJECT, STORED } from './lists.js';

const VISITS = 20;
const WARM_UP = 2;
/** Longest time until the list is usable. */
const BUDGET_MS = 1_000;

/**
 * The list of alarms in a real Chromium without a cache, with 100,000 alarms stored: until rows and counts are there
 * and the list follows a choice. One API process on PostgreSQL, on the machine of the browser.
 */
export async function benchFirstView(rig: Rig): Promise<Figure[]> {
  const say = (line: string): void => console.error(line);
  await ensureDebianPackages([CHROMIUM], { neededBy: 'the bench', environment: process.env, say });
  const api = await rig.service('api');
  const agent = new Agent({ keepAlive: true });
  const browser = await startBrowser(CHROMIUM.find());
  try {
    await fillProject(rig, api.url, agent);
    const found: { shownMs: number; filteredMs: number }[] = [];
    for (let visit = 0; visit < VISITS + WARM_UP; visit += 1) found.push(await visitList(browser, api.url));
    const measured = found.slice(WARM_UP);
    const title = `first view of the page, ${STORED.toLocaleString('en')} alarms`;
    const shown = measured.map(({ shownMs }) => shownMs);
    const filtered = measured.map(({ filteredMs }) => filteredMs);
    return [
      plain(`${title}: rows and counts shown, median`, percentile(shown, 0.5), 'ms'),
      atMost(`${title}: rows and counts shown, longest of ${VISITS}`, Math.max(...shown), 'ms', BUDGET_MS),
      plain(`${title}: then a choice of state followed, median`, percentile(filtered, 0.5), 'ms'),
      plain(`${title}: then a choice of state followed, longest of ${VISITS}`, Math.max(...filtered), 'ms'),
    ];
  } finally {
    await browser.close();
    agent.destroy();
    await api.process.stop();
  }
}

type Browser = Awaited<ReturnType<typeof startBrowser>>;

/** One visit in a fresh profile. Requests are not intercepted, which would slow them down. */
async function visitList(browser: Browser, url: string): Promise<{ shownMs: number; filteredMs: number }> {
  const context = await browser.newContext({ viewport: LAPTOP, locale: 'en-GB' });
  const page = await context.newPage();
  const tiles = page.getByRole('list', { name: 'Alarms by state' });
  const from = performance.now();
  await page.goto(`${url}/console#/alarms?project=${PROJECT}`);
  await Promise.all([page.getByRole('row').nth(50).waitFor(), tiles.getByText(/^100,00/).waitFor()]);
  const shownMs = performance.now() - from;
  await tiles.getByRole('link', { name: /^alarm/ }).click();
  await page.getByText('web-000050').waitFor();
  const filteredMs = performance.now() - from - shownMs;
  await context.close();
  return { shownMs, filteredMs };
}

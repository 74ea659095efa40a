import { Agent } from 'node:http';

import { ensureDebianPackages } from '../../dev/servers/debian-packages.js';
import { CHROMIUM } from '../../test/support/peer-programs.js';
import { atMost, percentile, plain, type Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { fillProject, PROJECT, STORED } from './lists.js';
import { startPlainBrowser } from './plain-browser.js';

const VISITS = 20;
const WARM_UP = 2;
/** Longest time until the list is usable. */
const BUDGET_MS = 1_000;

/** Milliseconds since the navigation began, and `followedMs` since the choice of a state. */
interface Visit {
  /** The rows are painted and can be used. */
  rowsMs: number;
  countsMs: number;
  followedMs: number;
}

/** Runs in the page, before its own scripts: notes when rows and counts are there, then chooses a state. */
const OBSERVER = `
globalThis.visited = (async () => {
  const until = (isThere) => new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!isThere()) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    });
    observer.observe(document, { childList: true, subtree: true, characterData: true });
  });
  const tiles = () => document.querySelector('[aria-label="Alarms by state"]');
  const [rowsMs, countsMs] = await Promise.all([
    until(() => document.querySelectorAll('tr').length > 50),
    until(() => /100,00/.test(tiles()?.textContent ?? '')),
  ]);
  const chosenMs = performance.now();
  [...tiles().querySelectorAll('a')].find(({ textContent }) => /alarm/.test(textContent)).click();
  const followedMs = (await until(() => /web-000050/.test(document.body.textContent))) - chosenMs;
  return { rowsMs, countsMs, followedMs };
})()`;

/**
 * The list of alarms in a real Chromium without a cache, with 100,000 alarms stored: until its rows are painted, its
 * counts are there, and it follows a choice. One API process on PostgreSQL, on the machine of the browser.
 */
export async function benchFirstView(rig: Rig): Promise<Figure[]> {
  const say = (line: string): void => console.error(line);
  await ensureDebianPackages([CHROMIUM], { neededBy: 'the bench', environment: process.env, say });
  const api = await rig.service('api');
  const agent = new Agent({ keepAlive: true });
  const browser = startPlainBrowser(CHROMIUM.find() ?? 'chromium');
  try {
    await fillProject(rig, api.url, agent);
    const address = `${api.url}/console#/alarms?project=${PROJECT}`;
    const found: Visit[] = [];
    for (let visit = 0; visit < VISITS + WARM_UP; visit += 1)
      found.push((await browser.visit(address, OBSERVER)) as Visit);
    const measured = found.slice(WARM_UP);
    const title = `first view of the page, ${STORED.toLocaleString('en')} alarms`;
    const [rows, counts, followed] = (['rowsMs', 'countsMs', 'followedMs'] as const).map((name) =>
      measured.map((visit) => visit[name]),
    ) as [number[], number[], number[]];
    const longest = `longest of ${VISITS}`;
    return [
      plain(`${title}: rows painted, median`, percentile(rows, 0.5), 'ms'),
      atMost(`${title}: rows painted, ${longest}`, Math.max(...rows), 'ms', BUDGET_MS),
      plain(`${title}: counts painted, median`, percentile(counts, 0.5), 'ms'),
      plain(`${title}: counts painted, ${longest}`, Math.max(...counts), 'ms'),
      plain(`${title}: a choice of state followed, median`, percentile(followed, 0.5), 'ms'),
      plain(`${title}: a choice of state followed, ${longest}`, Math.max(...followed), 'ms'),
    ];
  } finally {
    await browser.close();
    agent.destroy();
    await api.process.stop();
  }
}

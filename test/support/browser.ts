import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';

import { urlOf } from './run-servers.js';

/** A Chromium without a window. Close it at the end of a file. Default: the one that the tests found or installed. */
export function startBrowser(executablePath = urlOf('chromium')): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Tests run as root in containers, where Chromium has no sandbox and little shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** What a page did that it must not do. */
export interface Misdeeds {
  /** Errors of scripts, and violations of the Content-Security-Policy. */
  errors: string[];
  /** Requests to anything but the service. They were not let through. */
  requestsElsewhere: string[];
}

/** An open page and what was seen of it. */
export interface OpenPage {
  page: Page;
  context: BrowserContext;
  misdeeds: Misdeeds;
}

/** Sizes of windows: of a laptop and of a phone. */
export const LAPTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** How a page is opened. */
export interface PageOptions {
  size?: { width: number; height: number };
  dark?: boolean;
  /** The language of the browser. */
  locale?: string;
  /** Runs before the first request. */
  observe?: (page: Page) => void;
}

/** Opens an address of a service in a fresh profile from which only that service can be reached. */
export async function openPage(
  browser: Browser,
  url: string,
  { size = LAPTOP, dark = false, locale = 'en-GB', observe }: PageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    timezoneId: 'Europe/Berlin',
    locale,
  });
  const misdeeds: Misdeeds = { errors: [], requestsElsewhere: [] };
  const { origin } = new URL(url);
  await context.route(
    (target) => target.origin !== origin,
    (route) => {
      misdeeds.requestsElsewhere.push(route.request().url());
      return route.abort();
    },
  );
  // Only a page that hangs takes so long.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  page.on('pageerror', (error) => misdeeds.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') misdeeds.errors.push(`${message.text()} ${message.location().url}`);
  });
  observe?.(page);
  await page.goto(url);
  return { page, context, misdeeds };
}

/** What a screen reader says of a control besides its name: the texts that describe it. */
export async function descriptionOf(control: Locator): Promise<string> {
  const ids = (await control.getAttribute('aria-describedby'))?.split(' ') ?? [];
  const texts = await Promise.all(ids.map((id) => control.page().locator(`[id="${id}"]`).allTextContents()));
  return texts.flat().join(' ');
}

/** What a page did if it did nothing wrong. */
export const NO_MISDEEDS: Misdeeds = { errors: [], requestsElsewhere: [] };

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  violations: { id: string; impact: string | null; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/**
 * Faults of accessibility that axe-core calls serious or critical, with the elements that have them, and texts with a
 * space before a full stop or a comma.
 */
export async function seriousFaults(page: Page): Promise<string[]> {
  return [...(await inaccessible(page)), ...(await spacedOut(page))];
}

async function inaccessible(page: Page): Promise<string[]> {
  // By the debugger, since the page's policy allows no script but its own.
  const { violations } = await page.evaluate<AxeResults>(`${AXE}; axe.run(document)`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      const found = nodes.map(({ html, failureSummary = '' }) => `${html} ${failureSummary}`).join('\n  ');
      return `${id}: ${help}\n  ${found}`;
    });
}

/** Texts in which punctuation stands apart from its word, by a space or by a margin of an element before it. */
function spacedOut(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const rectOf = (node, at) => {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return range.getClientRects()[0];
    };
    let before;
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const at = node.data.search(/\\S/);
      if (at < 0 || node.parentElement.closest('pre, code, textarea, select, [aria-hidden]')) continue;
      const first = rectOf(node, at);
      if (!first) continue;
      const isMark = /^[.,;:)](\\s|$)/.test(node.data.slice(at));
      const isApart = before && Math.abs(first.bottom - before.bottom) < 4 && first.left - before.right > 1.5;
      if ((isMark && isApart) || /\\S\\s+[.,;:](\\s|$)/.test(node.data))
        found.push('space before punctuation: ' + node.parentElement.closest('p, li, dd, td, small, div').textContent);
      before = rectOf(node, node.data.trimEnd().length - 1);
    }
    return found;
  })()`);
}

import { expect } from '@jest/globals';
import type { BrowserContext, Locator, Page } from 'playwright-core';

import type { Misdeeds } from '../../support/browser.js';
import { PAST_SEEN_AGO_MS } from './story-data.js';

/** The span that charts show at first. */
const SPAN_MS = 6 * 3_600_000;
/** Gone once a page has been loaded again. */
const MARK = 'globalThis.storyMark';

/** What a person does with one alarm in one tab of the browser. */
export class StoryTab {
  private constructor(
    private readonly page: Page,
    private readonly name: string,
  ) {}

  /** Enters an alarm of a type into the form, with an action on ok and on alarm, and creates it. */
  static async create(
    context: BrowserContext,
    { url, type, action, misdeeds }: { url: string; type: string; action: string; misdeeds: Misdeeds },
    write: (page: Page) => Promise<void>,
  ): Promise<StoryTab> {
    const page = await context.newPage();
    page.on('pageerror', (error) => misdeeds.errors.push(String(error)));
    page.on('console', (message) => {
      // Browsers log each 429, which tells a tab to wait for the charts of the others.
      if (message.type() === 'error' && !message.text().includes('429'))
        misdeeds.errors.push(`${message.text()} ${message.location().url}`);
    });
    await page.goto(`${url}/console#/new?type=${type}`);
    await page.evaluate(`${MARK} = true`);
    const name = `story ${type}`;
    await page.getByLabel('Name *').first().fill(name);
    await write(page);
    for (const state of ['ok', 'alarm']) {
      await page.getByRole('button', { name: `Add to Actions on ${state}`, exact: true }).click();
      await page.getByRole('textbox', { name: `Actions on ${state} 1`, exact: true }).fill(action);
    }
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    return new StoryTab(page, name);
  }

  /** The id of the alarm. */
  get id(): string {
    return decodeURIComponent(/#\/alarm\/([^?]+)/.exec(this.page.url())?.[1] ?? '');
  }

  /** True if the page was never loaded again. */
  isSamePage(): Promise<boolean> {
    return this.page.evaluate<boolean>(`${MARK} === true`);
  }

  async untilState(word: 'insufficient data' | 'alarm' | 'ok'): Promise<void> {
    const title = this.page.getByRole('heading', { level: 1 });
    await this.page.locator('.heading').filter({ has: title }).locator('.state', { hasText: word }).waitFor();
  }

  /** Notifications with all these words in their line. */
  notifications(...words: string[]): Locator {
    const lines = this.page.getByRole('region', { name: 'Notifications' }).locator('summary');
    return words.reduce((some, hasText) => some.filter({ hasText }), lines);
  }

  /** Clicks into the chart where the values were high; returns the moment that is in the address then. */
  async clickChart(): Promise<string> {
    const chart = this.page.locator('.u-over');
    const tryAgain = this.page.getByRole('region', { name: 'Values' }).getByRole('button', { name: 'Try again' });
    // On a busy machine a backend may not answer in time.
    await this.#until(chart, tryAgain);
    const { width = 0 } = (await chart.boundingBox()) ?? {};
    await chart.click({ position: { x: width * (1 - PAST_SEEN_AGO_MS / SPAN_MS), y: 20 } });
    return this.#momentInAddress();
  }

  /** Chooses the moment of the newest transition in the history. */
  async clickTransition(): Promise<string> {
    await this.page.getByRole('region', { name: 'History' }).getByRole('button', { name: 'explain' }).first().click();
    return this.#momentInAddress();
  }

  async #momentInAddress(): Promise<string> {
    await this.page.waitForURL(/[?&]at=/);
    return new URLSearchParams(this.page.url().split('?')[1]).get('at') ?? '';
  }

  async untilExplained(summary: string): Promise<void> {
    const shown = asShown(summary);
    const explanation = this.page.getByRole('region', { name: 'Explanation' });
    // On a busy machine a backend may not answer in time, which is explained, too.
    const other = explanation.locator('.sentence').filter({ hasNotText: shown });
    await this.#until(
      explanation.locator('.sentence').filter({ hasText: shown }),
      explanation.getByRole('button', { name: 'Evaluate again' }),
      other,
    );
  }

  /** Clicks the button, once an answer, while `meanwhile` is shown instead of what is wanted. */
  async #until(wanted: Locator, button: Locator, meanwhile: Locator = button): Promise<void> {
    for (;;) {
      await wanted.or(meanwhile).first().waitFor();
      if (await wanted.isVisible()) return;
      const answered = this.page.waitForResponse(/\/(values|explain)\b/);
      await button.click();
      await answered;
    }
  }

  async silence(): Promise<void> {
    await this.page.getByRole('button', { name: 'Silence', exact: true }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByText('It holds 1 alarm.').waitFor();
    await dialog.getByLabel('Reason').fill('disk swap');
    await dialog.getByLabel('Owner').fill('night shift');
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await this.#silences.getByText('disk swap').waitFor();
  }

  async endSilence(): Promise<void> {
    await this.#silences.getByRole('button', { name: 'End now' }).click();
    await this.page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
    await this.#silences.waitFor({ state: 'detached' });
  }

  get #silences(): Locator {
    return this.page.getByRole('region', { name: 'Silences' });
  }

  async testFire(): Promise<void> {
    await this.page.getByRole('button', { name: 'Test-fire' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByLabel('Type the name of the alarm').fill(this.name);
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    await this.page.getByRole('region', { name: 'Outcome of the test' }).getByText('HTTP 204').waitFor();
  }

  /** Sends the only notification with this status again. */
  async sendAgain(status: string): Promise<void> {
    const line = this.notifications(status);
    await line.waitFor();
    await line.click();
    await this.page.getByRole('button', { name: 'Send again' }).click();
    await line.waitFor({ state: 'detached' });
  }

  async expectNotifications(counts: Record<string, number>): Promise<void> {
    const found = Object.keys(counts).map(async (status) => [status, await this.notifications(status).count()]);
    expect(Object.fromEntries(await Promise.all(found))).toEqual(counts);
  }
}

/** Matches a sentence of the service on the page, which writes its times in the zone of the user. */
function asShown(sentence: string): RegExp {
  const parts = sentence.split(/\d{4}-\d\d-\d\dT[\d:.]+Z/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^.]+')}$`);
}

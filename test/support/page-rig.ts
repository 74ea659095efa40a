import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi, type TestApiOptions } from './api.js';
import { openPage, startBrowser, type OpenPage, type PageOptions } from './browser.js';
import { anyDatabase, empty } from './databases.js';
import { eventually } from './eventually.js';
import { hasServer } from './running-servers.js';

/** An API on an empty database, and a browser, which the tests of a file or a suite share. */
export interface PageRig {
  db: Database;
  api: TestApi;
  /** Opens the page at a view, `alarms?project=p1`, or a path, `/`. It is closed after the test. */
  open: (address: string, options?: PageOptions) => Promise<OpenPage>;
  /**
   * Has the streams read the database until the check no longer throws. Their clock is a fake one: without this, events
   * come to the page only when it gives the stream up as broken, after 40 seconds.
   */
  until: (check: () => unknown) => Promise<void>;
}

/** Starts a rig for the file or the suite in which it is called. Its members exist once the tests begin. */
export function startPageRig(options?: TestApiOptions): PageRig {
  const contexts: BrowserContext[] = [];
  let browser: Browser | undefined;
  const rig = {
    async open(address, pageOptions) {
      if (!browser) throw new Error('there is no Chromium');
      const path = address.startsWith('/') ? address : `/console#/${address}`;
      const opened = await openPage(browser, rig.api.url + path, pageOptions);
      contexts.push(opened.context);
      return opened;
    },
    until: (check) =>
      eventually(async () => {
        rig.api.streams.wake();
        await rig.api.clock.advance(100);
        await check();
      }),
  } as PageRig;
  beforeAll(async () => {
    rig.db = await anyDatabase();
    rig.api = await startApi(rig.db, options);
    if (hasServer('chromium')) browser = await startBrowser();
  });
  beforeEach(() => empty(rig.db));
  afterEach(async () => {
    for (const context of contexts.splice(0)) {
      // A request of the page may be under way in a handler of the test.
      for (const page of context.pages()) await page.unrouteAll({ behavior: 'ignoreErrors' });
      await context.close();
    }
  });
  afterAll(async () => {
    await browser?.close();
    await rig.api.close();
    await rig.db.close();
  });
  return rig;
}

/** Samples of `cpu` in the hour before `HOUR.stop`: half an hour 40, then 90. Before noon, the time of the service. */
export async function storeHourOfCpu(api: TestApi): Promise<void> {
  const samples = Array.from({ length: 60 }, (_, minute) => ({
    counter_name: 'cpu',
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: minute < 30 ? 40 : 90,
    resource_id: 'r1',
    timestamp: new Date(Date.parse(HOUR.start) + minute * 60_000).toISOString(),
  }));
  await api.ask('POST', '/v2/meters/cpu', { as: MEMBER, body: samples });
}

/** Before the clock of the service, which the page cannot know. */
export const HOUR = { start: '2026-01-01T10:00:00Z', stop: '2026-01-01T11:00:00Z' };

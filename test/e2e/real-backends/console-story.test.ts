import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { openPage, startBrowser, type OpenPage } from '../../support/browser.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { describeWith, freshPostgresUrl } from '../../support/servers.js';
import { startAlarmService, toldTransitions, type AlarmService } from './alarm-service.js';
import { startBackends } from './backends.js';
import { startStoryData, type StoryData } from './story-data.js';
import { COMBINATION, EVENT, MEASURED_KINDS, type StoryKind } from './story-kinds.js';
import { StoryTab } from './story-tab.js';

/**
 * A person in front of the page, with a service on PostgreSQL, a real Prometheus, a real Gnocchi and a real receiver:
 * creates alarms of each kind, sees them fire, has them explained, silences and tests them, and sends again what the
 * receiver has refused. Each alarm has a tab, no tab is loaded again, and all do the same at the same time.
 */

const [LOW, HIGH] = [10, 90];
/** More than one story takes; what they limit is tested elsewhere. */
const LIMITS = { LIMITS_TESTS_PER_MINUTE: '100', LIMITS_REPLAYS_PER_MINUTE: '100' };
const LONGEST_WAIT_MS = 300_000;
const MEASURED = MEASURED_KINDS.map(({ type }) => type);
/** Kinds that have a state to return to. */
const FOLLOWING = [...MEASURED, COMBINATION.type];
const ALL = [...FOLLOWING, EVENT.type];

describeWith(['postgres', 'gnocchi', 'prometheus', 'chromium'], 'the page beside real backends', () => {
  const started: (() => Promise<unknown>)[] = [];
  let service: AlarmService;
  let receiver: Receiver;
  let data: StoryData;
  let opened: OpenPage;
  let isRefusing = false;
  const tabs = new Map<string, StoryTab>();
  let failedPhase: string | undefined;

  beforeAll(async () => {
    const backends = await startBackends();
    started.push(() => backends.stop());
    receiver = await startReceiver((_, response) => void response.writeHead(isRefusing ? 410 : 204).end());
    started.push(() => receiver.close());
    const DATABASE_URL = await freshPostgresUrl();
    service = await startAlarmService({ ...backends.settings, ...LIMITS, DATABASE_URL, EVALUATOR_INTERVAL: '1s' });
    started.push(() => service.stop());
    data = await startStoryData(backends, service.ask, HIGH);
    const browser = await startBrowser();
    started.push(() => browser.close());
    opened = await openPage(browser, `${service.url}/`);
    // On a busy machine eight tabs wait for each other.
    opened.context.setDefaultTimeout(LONGEST_WAIT_MS);
  });
  afterAll(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  /** A part of the story. When one has failed, those after it would only wait for what cannot come. */
  function phase(title: string, run: () => Promise<void>): void {
    test(title, async () => {
      if (failedPhase !== undefined) throw new Error(`not begun, since this failed: ${failedPhase}`);
      failedPhase = title;
      await run();
      failedPhase = undefined;
    });
  }

  /** Does the same for each type at the same time. A failure names the types that have failed. */
  async function forAll(types: readonly string[], act: (tab: StoryTab, type: string) => Promise<void>): Promise<void> {
    await together(types, async (type) => {
      const tab = tabs.get(type);
      if (!tab) throw new Error('it was not created');
      await act(tab, type);
    });
  }

  async function create({ type, write }: StoryKind): Promise<void> {
    const options = { url: service.url, type, action: receiver.url + pathOf(type), misdeeds: opened.misdeeds };
    tabs.set(type, await StoryTab.create(opened.context, options, (page) => write(page, data.things)));
  }

  async function sendEvent(): Promise<void> {
    const event = { message_id: randomUUID(), event_type: 'compute.stop', traits: [['project_id', 1, 'default']] };
    const answer = await service.ask('POST', '/v2/events', [event]);
    expect(answer.json()).toMatchObject({ alarms_fired: 1 });
  }

  const pathOf = (type: string): string => `/${type}`;
  const requestsOf = (isTest: boolean) =>
    receiver.requests.filter(({ headers }) => (headers['tocsin-test'] === 'true') === isTest);
  /** The states that the receiver was told of for a type, without tests. */
  const told = (type: string): string[] => toldTransitions(requestsOf(false), pathOf(type)).map(({ to }) => to);
  const untilTold = (type: string, states: string[]): Promise<void> =>
    eventually(() => expect(told(type)).toEqual(states));

  phase('alarms are created by the form', async () => {
    await together([...MEASURED_KINDS, EVENT], create, ({ type }) => type);
    await together([COMBINATION], create, ({ type }) => type);
    await forAll(ALL, (tab) => tab.untilState('insufficient data'));
  });

  phase('they fire, and each tab shows it, as does the list', async () => {
    await data.become(HIGH);
    await sendEvent();
    await forAll(ALL, async (tab, type) => {
      await tab.untilState('alarm');
      await tab.notifications('delivered', 'alarm').waitFor();
      await untilTold(type, ['alarm']);
    });
    await opened.page.getByRole('link', { name: `alarm ${tabs.size}`, exact: true }).waitFor();
  });

  phase('a moment that is clicked is explained', async () => {
    await forAll(ALL, async (tab, type) => {
      const at = type === EVENT.type ? await tab.clickTransition() : await tab.clickChart();
      const summary = await eventually(async () => {
        const answer = await service.ask('GET', `/v2/alarms/${tab.id}/explain?at=${at}`);
        const { summary: found } = answer.json<{ summary: string }>();
        expect(found).toMatch(MEASURED.includes(type) ? /^At .* evaluation (of that moment )?gives alarm: / : /^At /);
        return found;
      });
      await tab.untilExplained(summary);
    });
  });

  phase('the end of the alarm is seen', async () => {
    await data.become(LOW);
    await forAll(FOLLOWING, async (tab, type) => {
      await tab.untilState('ok');
      await tab.notifications('delivered', 'ok').waitFor();
      await untilTold(type, ['alarm', 'ok']);
    });
  });

  phase('under a silence they fire again, and the notification is held', async () => {
    await forAll(ALL, (tab) => tab.silence());
    await data.become(HIGH);
    await sendEvent();
    await forAll(ALL, async (tab, type) => {
      await tab.untilState('alarm');
      await tab.notifications('silenced', 'alarm').waitFor();
      expect(told(type)).toEqual(type === EVENT.type ? ['alarm'] : ['alarm', 'ok']);
    });
  });

  phase('when the silence ends, what was held is sent, but no event', async () => {
    await forAll(ALL, (tab) => tab.endSilence());
    await forAll(FOLLOWING, async (tab, type) => {
      await untilTold(type, ['alarm', 'ok', 'alarm']);
      await tab.notifications('silenced').waitFor({ state: 'detached' });
      await tab.notifications('delivered', 'alarm').nth(1).waitFor();
    });
    await forAll([EVENT.type], async (tab, type) => {
      await tab.expectNotifications({ silenced: 1, delivered: 1 });
      await tab.sendAgain('silenced');
      await untilTold(type, ['alarm', 'alarm']);
    });
  });

  phase('a test reaches the receiver, and its outcome is shown', async () => {
    await forAll(ALL, async (tab, type) => {
      await tab.testFire();
      expect(toldTransitions(requestsOf(true), pathOf(type))).toHaveLength(1);
    });
  });

  phase('what the receiver has refused is dead, and is sent again', async () => {
    isRefusing = true;
    await data.become(LOW);
    await sendEvent();
    await forAll(ALL, (tab) => tab.notifications('dead').waitFor());
    isRefusing = false;
    await forAll(ALL, async (tab) => tab.sendAgain('dead'));
  });

  phase('each change was told once, no tab was loaded again, and none asked anything but the service', async () => {
    await forAll(FOLLOWING, async (tab, type) => {
      // The last one was refused at first.
      await untilTold(type, ['alarm', 'ok', 'alarm', 'ok', 'ok']);
      await tab.notifications('delivered', 'ok').nth(1).waitFor();
      await tab.expectNotifications({ silenced: 0, dead: 0, delivered: 5 });
    });
    await untilTold(EVENT.type, ['alarm', 'alarm', 'alarm', 'alarm']);
    await forAll(ALL, async (tab) => expect(await tab.isSamePage()).toBe(true));
    expect(opened.misdeeds).toEqual({ errors: [], requestsElsewhere: [] });
  });
});

/** Runs the same for all at the same time, waits for the end of each, and tells of all that have failed. */
async function together<T>(
  all: readonly T[],
  act: (one: T) => Promise<void>,
  nameOf: (one: T) => string = String,
): Promise<void> {
  const outcomes = await Promise.allSettled(all.map(act));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [`${nameOf(all[index]!)}: ${String(outcome.reason)}`] : [],
  );
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';

import { createSystemClock } from '../../src/clock.js';
import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';
import { freePort } from '../support/service-process.js';
import { sourceOf } from '../support/source-tree.js';
import { INTERVAL_S, startScrapedInstallation, type ScrapedInstallation } from './started-faults.js';

const TEXT = sourceOf('deploy/prometheus/tocsin-alerts.yaml');
const { groups } = parse(TEXT) as { groups: { rules: { alert: string }[] }[] };
const ALERTS = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

/**
 * The rules with shorter times, so that they fire soon. Two limits follow the interval of evaluations, as the first
 * lines of the file say. The expressions are the same otherwise.
 */
const RULES = TEXT.replace(/^( +for:) \d+[mh]$/gm, '$1 1s')
  .replace(/\[\d+[mh]\]/g, '[10s]')
  .replace(/ offset \d+m/g, ' offset 10s')
  .replace(/(?<=tocsin_oldest_evaluation_age_seconds\) > )180/, String(3 * INTERVAL_S))
  .replace(/(?<=tocsin_evaluator_behind_seconds\) > )60/, String(INTERVAL_S));

/** Ends a fault. */
type End = () => unknown;

interface Fault {
  title: string;
  alerts: readonly string[];
  /** Undefined: it is there from the start. */
  start?: (installation: ScrapedInstallation) => Promise<End | undefined>;
}

const clock = createSystemClock();
const PAUSE_MS = 200;

/** Does the work again and again until the returned function is called. */
function repeatedly(work: () => unknown): End {
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      await work();
      await clock.sleep(PAUSE_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await done;
  };
}

const LATE_ALARMS = 60;

/** In this order: later ones end processes that earlier ones need. */
const FAULTS: readonly Fault[] = [
  { title: 'a certificate that ends within a day', alerts: ['TocsinCertificateEnds'] },
  { title: 'an API key that ends in five days', alerts: ['TocsinApiKeysEnd'] },
  {
    title: 'a process of an older release',
    alerts: ['TocsinVersionsDiffer'],
    start: async ({ addOlderRelease }) => void addOlderRelease(),
  },
  {
    title: 'a receiver that refuses connections',
    alerts: ['TocsinNotificationsGivenUp'],
    start: async ({ createAlarm }) => void (await createAlarm('vector(1)', [`http://127.0.0.1:${await freePort()}/`])),
  },
  {
    title: 'a process that gets no CPU time for half a second each time',
    alerts: ['TocsinProcessLacksCpu'],
    start: async ({ api }) =>
      repeatedly(async () => {
        process.kill(api.pid, 'SIGSTOP');
        await clock.sleep(500);
        process.kill(api.pid, 'SIGCONT');
      }),
  },
  {
    title: 'partitions whose epoch another process raises while they are evaluated',
    alerts: ['TocsinResultsRefused'],
    start: async ({ createAlarm, sql }) => {
      await createAlarm(`vector(time() % ${2 * INTERVAL_S} >= bool ${INTERVAL_S})`);
      // Waits for no row, so that it cannot be part of a deadlock.
      const free = 'select id from partitions for update skip locked';
      return repeatedly(() => sql(`update partitions set epoch = epoch + 1 where id in (${free})`));
    },
  },
  {
    title: 'an alarm with a rule that the program cannot evaluate',
    alerts: ['TocsinAlarmsFail'],
    start: async ({ createAlarm, sql }) => {
      await createAlarm('vector(2)');
      await sql(
        `update alarms set rule = replace(rule, '"gt"', '"none"'), definition_version = definition_version + 1
          where name = 'vector(2)'`,
      );
      return () => sql("delete from alarms where name = 'vector(2)'");
    },
  },
  {
    title: 'more alarms than a slow backend answers',
    alerts: ['TocsinEvaluatorBehind'],
    start: async ({ createAlarm, backend }) => {
      for (let n = 0; n < LATE_ALARMS; n += 1) await createAlarm(`vector(${100 + n})`);
      backend.delayMs = 1_500;
      return () => (backend.delayMs = 0);
    },
  },
  {
    title: 'a backend that closes all connections',
    alerts: ['TocsinBackendDown'],
    start: async ({ backend }) => {
      backend.isDown = true;
      return () => (backend.isDown = false);
    },
  },
  {
    title: 'a client of the database that holds the rows of all partitions',
    alerts: ['TocsinNotEvaluating'],
    start: ({ hold }) => hold('select from partitions for update'),
  },
  {
    title: 'receivers that do not answer, and hold all connections',
    alerts: ['TocsinNotDelivering'],
    start: async ({ createAlarm, silentReceiver }) => {
      for (let n = 10; n < 14; n += 1) await createAlarm(`vector(${n})`, [await silentReceiver()]);
      return undefined; // they end with the installation
    },
  },
  {
    title: 'the end of the only notifier',
    alerts: ['TocsinWithoutNotifier', 'TocsinProcessDown'],
    start: async ({ notifier }) => void (await notifier.kill()),
  },
  {
    title: 'a client of the database that holds the table of alarms when an evaluator ends',
    alerts: ['TocsinPartitionsNotLoaded'],
    start: async ({ startSecondEvaluator, evaluator, sql, hold }) => {
      startSecondEvaluator();
      await eventually(async () => {
        const owners = await sql('select distinct owner from partitions where owner is not null');
        expect(owners).toHaveLength(2);
      });
      const end = await hold('lock table alarms in access exclusive mode');
      await evaluator.kill();
      return end;
    },
  },
  {
    title: 'the end of Redis',
    alerts: ['TocsinRedisUnavailable'],
    start: async ({ stopRedis }) => void (await stopRedis()),
  },
  {
    title: 'the end of the only evaluator',
    alerts: ['TocsinPartitionsWithoutEvaluator'],
    start: async ({ secondEvaluator }) => void (await secondEvaluator?.kill()),
  },
  {
    title: 'the end of PostgreSQL',
    alerts: ['TocsinApiFails'],
    start: async ({ stopPostgres, read }) => {
      await stopPostgres();
      return repeatedly(read);
    },
  },
];

/** Alerts that no fault of this file starts, and why. */
const NOT_STARTED: Readonly<Record<string, string>> = {
  TocsinAuditEntriesLost: 'needs more than 10,000 writes during an outage of the database',
};

test('each alert has a fault that starts it, or a reason why it has none', () => {
  const started = FAULTS.flatMap(({ alerts }) => alerts);
  expect([...started, ...Object.keys(NOT_STARTED)].sort()).toEqual([...ALERTS].sort());
});

describeWith(['prometheus', 'postgres', 'redis'], 'the alerts of a real installation', () => {
  let installation: ScrapedInstallation;
  beforeAll(async () => {
    installation = await startScrapedInstallation(RULES);
  });
  afterAll(() => installation.stop());

  test.each(FAULTS)('$alerts.0 fires at $title', async ({ alerts, start }) => {
    if (start)
      await eventually(async () => {
        const firing = await installation.firing();
        expect(alerts.filter((alert) => firing.includes(alert))).toEqual([]);
      });
    const end = await start?.(installation);
    try {
      await eventually(async () => expect(await installation.firing()).toEqual(expect.arrayContaining([...alerts])));
    } finally {
      await end?.();
    }
  });
});

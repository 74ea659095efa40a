import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createRuleChecks } from '../../src/app/rule-checks.js';
import { runProgram } from '../../src/cli/program.js';
import { Config } from '../../src/config/schema.js';
import { ReleaseStack } from '../../src/release-stack.js';
import { startAodh, type RealAodh } from '../support/aodh-service.js';
import { startApi, type Answered, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { startGnocchiDouble } from '../support/gnocchi-double.js';
import { describeWith } from '../support/servers.js';
import * as creating from './side-by-side/creating.js';
import {
  ADMINISTRATOR,
  balancer,
  composite,
  event,
  LEAF,
  MEMBER,
  metrics,
  resource,
  resources,
  STRANGER,
  type Exchange,
} from './side-by-side/exchange.js';
import * as finding from './side-by-side/finding.js';
import * as histories from './side-by-side/histories.js';
import * as reading from './side-by-side/reading.js';
import { REASONS } from './side-by-side/reasons.js';
import { answerOf, sideAt, type Side } from './side-by-side/sides.js';

type Alarm = Record<string, unknown> & { alarm_id: string };

describeWith(['aodh-service'], 'beside a real Aodh 15.0.0', () => {
  const started = new ReleaseStack();
  let api: TestApi;
  let aodh: Side;
  let ours: Side;
  let aodhUrl: string;
  let copyInAodh: RealAodh['copy'];
  let emptyOurs: () => Promise<void>;

  beforeAll(async () => {
    const double = await startGnocchiDouble();
    started.push('the double of Gnocchi', () => double.close());
    const real = await startAodh({ gnocchiUrl: double.url });
    started.push('Aodh', () => real.stop());
    const db = await embeddedDatabase();
    started.push('the database', () => db.close());
    // An alarm whose backend is not configured says so in state_reason; Octavia is not asked here.
    const octavia = { url: 'http://127.0.0.1:9' };
    const config = Config.parse({ gnocchi: { url: double.url, auth: 'none' }, octavia });
    const ruleChecks = createRuleChecks({
      config,
      clock: new FakeClock(),
      resources: started,
      keystone: undefined,
    });
    api = await startApi(db, { ruleChecks });
    started.push('the API', () => api.close());
    ours = { ask: api.ask, ids: new Map() };
    aodh = sideAt(real.url);
    aodhUrl = real.url;
    copyInAodh = real.copy;
    emptyOurs = () => empty(db);
  });
  afterAll(() => started.release());

  describe.each(Object.entries({ ...creating, ...reading, ...finding, ...histories }))(
    'answers are the same: %s',
    (_, exchanges) => {
      test.each(exchanges.map((exchange) => ({ ...exchange, titled: titleOf(exchange) })))(
        '$titled',
        async (exchange) => {
          await api.clock.advance(1_000);
          const answers = { aodh: await answerOf(aodh, exchange), tocsin: await answerOf(ours, exchange) };
          if (exchange.differs === undefined) return expect(answers.tocsin).toEqual(answers.aodh);
          expect(answers.tocsin).not.toEqual(answers.aodh); // or the reason is none any more
          const allowed = REASONS[exchange.differs].allows(answers.aodh, answers.tocsin);
          expect({ ...answers, allowed }).toEqual({ ...answers, allowed: true });
        },
      );
    },
  );

  describe('the import of its alarms', () => {
    const SIGNED =
      'http://heat:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks%2FWeb-1/s%2f1/resources/up?SignatureMethod=HmacSHA256' +
      '&AWSAccessKeyId=1f0e%2b&Signature=a%2Bb%3D&b=~%7e+%20';
    const constraints = [
      { name: 'days', start: '0 8 * * 1-5', duration: 36_000, timezone: 'Europe/Berlin' },
      { name: 'night', description: 'für die Nacht', start: '30 22 * * *', duration: '300' },
    ];
    const trait = { field: 'traits.state', op: 'ne', type: 'string', value: 'error' };
    const scheduled = event(
      { time_constraints: constraints, alarm_actions: [SIGNED, SIGNED.replace('up', 'down')] },
      { query: [trait] },
    );
    const ALARMS = [
      { as: MEMBER, body: scheduled, state: 'alarm' },
      {
        as: MEMBER,
        body: resource({ comparison_operator: 'gt', granularity: 300 }, { severity: 'critical', repeat_actions: true }),
      },
      { as: STRANGER, body: metrics({ evaluation_periods: 3 }, { enabled: false, ok_actions: null }), state: 'ok' },
      { as: MEMBER, body: resources({}, { description: 'wrapped' }) },
      {
        as: MEMBER,
        body: composite({ or: [LEAF, { and: [LEAF, { ...LEAF, comparison_operator: 'lt', evaluation_periods: 2 }] }] }),
      },
      {
        as: ADMINISTRATOR,
        body: { ...balancer(), project_id: 'p9', user_id: 'u9', ok_actions: ['log://', 'test://'] },
      },
      {
        as: ADMINISTRATOR,
        body: event({ project_id: null, user_id: null, insufficient_data_actions: ['zaqar://?topic=x'] }),
      },
    ];
    const ids: string[] = [];

    beforeAll(async () => {
      // Times of imported alarms are not in the future.
      api.clock.synchronise(new Date(Date.now() + 3_600_000), api.clock.monotonicMs());
      await emptyOurs();
      const all = await aodh.ask('GET', '/v2/alarms?q.field=all_projects&q.value=true', {});
      for (const id of idsIn(all)) await aodh.ask('DELETE', `/v2/alarms/${id}`, {});
      for (const { as, body, state } of ALARMS) {
        const created = await aodh.ask('POST', '/v2/alarms', { as, body });
        expect(created.status).toBe(201);
        const { alarm_id: id } = created.json<Alarm>();
        if (state) await aodh.ask('PUT', `/v2/alarms/${id}/state`, { as, body: state });
        ids.push(id);
      }
    });

    async function tocsin(...argv: string[]): Promise<{ exitCode: number; out: string }> {
      const result = { exitCode: -1, out: '' };
      const terminal = {
        out: (text: string) => (result.out += text),
        err: (text: string) => (result.out += text),
        environment: {},
        stop: new AbortController().signal,
      };
      result.exitCode = await runProgram(['import', '--to', api.url, ...argv], terminal);
      return result;
    }
    const copy = () => tocsin('aodh', '--from', aodhUrl);
    const compare = () => tocsin('compare', '--with', aodhUrl);

    /** With the order of its fields, without what each service keeps for itself, and with moments as fine as ours. */
    async function alarmOf(side: Pick<Side, 'ask'>, id: string): Promise<string> {
      const {
        evaluate_timestamp: _,
        tocsin: _ours,
        ...alarm
      } = (await side.ask('GET', `/v2/alarms/${id}`, {})).json<Alarm>();
      return JSON.stringify(alarm, null, 1).replace(
        /(:\d\d)(\.\d{3})\d{3}"/g,
        (_whole, second: string, fraction: string) => {
          return fraction === '.000' ? `${second}"` : `${second}${fraction}000"`;
        },
      );
    }

    test('copies them as they are, muted', async () => {
      const { exitCode, out } = await copy();
      expect(out).toContain(`${ALARMS.length} alarms in Aodh\n`);
      expect(out).toContain(`${ALARMS.length}  copied, muted`);
      expect(exitCode).toBe(0);
      for (const id of ids) {
        expect(await alarmOf(api, id)).toBe(await alarmOf(aodh, id));
        expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).toMatchObject({ tocsin: { muted: true } });
      }
      expect(JSON.parse(await alarmOf(api, ids[0] ?? ''))).toMatchObject({
        state: 'alarm',
        state_reason: 'Manually set via API',
        alarm_actions: expect.arrayContaining([SIGNED]),
        time_constraints: [{ duration: 36_000 }, { duration: 300, timezone: '' }],
      });
    });

    test('copies each once', async () => {
      expect((await copy()).out).toContain(`${ALARMS.length}  copied before, unchanged`);
    });

    test('updates them while they are muted', async () => {
      const [id = ''] = ids;
      await aodh.ask('PUT', `/v2/alarms/${id}`, {
        as: MEMBER,
        body: { ...scheduled, state: 'alarm', name: 'renamed' },
      });
      expect((await copy()).out).toMatch(/\b1 {2}copied before and changed in Aodh since then: updated/);
      expect(await alarmOf(api, id)).toBe(await alarmOf(aodh, id));
    });

    test('compares them with those of Aodh', async () => {
      expect(await compare()).toEqual({ exitCode: 0, out: `${ALARMS.length} alarms in both, 0 differ\n` });
      await aodh.ask('PUT', `/v2/alarms/${ids[1]}/state`, { body: 'ok' });
      const { exitCode, out } = await compare();
      expect(exitCode).toBe(1);
      expect(out).toContain(`${ALARMS.length} alarms in both, 1 differ`);
      expect(out).toMatch(new RegExp(`${ids[1]}.*ok since`));
    });

    test('lists those that no service could evaluate, and copies the others', async () => {
      const odd: [body: unknown, why: string][] = [
        [event({ name: null }), 'name'],
        [resource({ threshold: 'nan' }), 'threshold'],
      ];
      const made: string[] = [];
      for (const [body] of odd) made.push(...idsIn(await aodh.ask('POST', '/v2/alarms', { as: MEMBER, body })));
      const { exitCode, out } = await copy();
      expect(exitCode).toBe(1);
      expect(out).toMatch(/\b2 {2}not copied/);
      for (const [, why] of odd) expect(out).toMatch(new RegExp(`${why}. Value: 'None'. Mandatory field missing`));
      expect(out).toContain(`${ALARMS.length}  copied before, unchanged`);
      for (const id of made) await aodh.ask('DELETE', `/v2/alarms/${id}`, {});
    });

    test('activates them, so that they run their actions, and does not change them after that', async () => {
      expect((await tocsin('--activate')).out).toContain(`${ALARMS.length} alarms run their actions now.`);
      for (const id of ids) expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).not.toHaveProperty('tocsin');
      expect((await copy()).out).toContain(`${ALARMS.length}  already active here: not changed`);
    });

    test('confines an admin’s alarms by resources of every project to their own project', async () => {
      const [id = ''] = idsIn(await aodh.ask('POST', '/v2/alarms', { as: ADMINISTRATOR, body: resources() }));
      const query = '{"=": {"server_group": "g1"}}';
      expect(await alarmOf(aodh, id)).toContain(JSON.stringify(query));
      await copy();
      const confined = `{"and": [{"=": {"created_by_project_id": "ops"}}, ${query}]}`;
      expect(await alarmOf(api, id)).toBe(
        (await alarmOf(aodh, id)).replace(JSON.stringify(query), JSON.stringify(confined)),
      );
    });

    test('reads them page by page', async () => {
      const [id = ''] = idsIn(await aodh.ask('POST', '/v2/alarms', { as: STRANGER, body: event() }));
      copyInAodh(id, 500);
      expect((await copy()).out).toMatch(/\b501 {2}copied, muted/);
    });
  });
});

/** Also where the text is no JSON, because there is a NaN in it. */
function idsIn({ text }: Answered): string[] {
  return [...text.matchAll(/"alarm_id": "([^"]+)"/g)].map(([, id]) => id ?? '');
}

function titleOf({ method, path, as, body, raw, headers, differs }: Exchange): string {
  const sent = raw ?? (body === undefined ? '' : JSON.stringify(body));
  const by = as && as !== MEMBER ? ` as ${as['x-roles']} of ${as['x-project-id']}` : '';
  const asked = [method, path, sent, ...Object.values(headers ?? {})].filter((part) => part !== '').join(' ');
  return asked + by + (differs ? `, except that ${REASONS[differs].why}` : '');
}

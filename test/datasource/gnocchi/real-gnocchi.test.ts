import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { createSystemClock } from '../../../src/clock.js';
import { createGnocchiClient, type GnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import type { GnocchiRule } from '../../../src/datasource/gnocchi/gnocchi-rules.js';
import { createGnocchiRuleCheck } from '../../../src/datasource/gnocchi/rule-check.js';
import { AppError, UpstreamRefusal } from '../../../src/errors.js';
import { eventually } from '../../support/eventually.js';
import { startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWith } from '../../support/servers.js';

const RESOURCE = randomUUID();
const UNUSED = randomUUID();

const COMMON = {
  comparison_operator: 'gt',
  threshold: 80,
  aggregation_method: 'mean',
  evaluation_periods: 1,
  granularity: 60,
} as const;
const ofResources: GnocchiRule & { query: string } = {
  type: 'gnocchi_aggregation_by_resources_threshold',
  metric: 'cpu',
  query: '{"and": [{"=": {"server_group": "s"}}, {"=": {"ended_at": null}}]}',
  resource_type: 'instance',
  ...COMMON,
};

/** Gnocchi's description of a request that does not match its schemas. */
const INVALID: unknown = expect.objectContaining({ cause: 'Invalid input', detail: expect.anything() });

describeWith(['postgres', 'gnocchi'], 'a real Gnocchi', () => {
  let gnocchi: RealGnocchi;
  let client: GnocchiClient;
  let stranger: GnocchiClient;
  let metricId: string;

  async function made(path: string, body: object): Promise<unknown> {
    const answer = await gnocchi.ask('POST', path, { body });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  function check(rule: GnocchiRule): Promise<unknown> {
    const checked = createGnocchiRuleCheck({ gnocchi: client, clock: createSystemClock() })(rule, { isAdmin: true });
    return checked.then(
      () => 'accepted',
      (thrown: unknown) => {
        if (thrown instanceof UpstreamRefusal) return [thrown.status, thrown.description];
        if (thrown instanceof AppError) return [thrown.code, thrown.message];
        throw thrown;
      },
    );
  }

  beforeAll(async () => {
    gnocchi = await startGnocchi({ metricd: true });
    client = createGnocchiClient({ url: gnocchi.url, auth: { kind: 'basic', user: 'admin' }, timeoutMs: PATIENCE_MS });
    stranger = createGnocchiClient({
      url: gnocchi.url,
      auth: { kind: 'basic', user: 'mallory' },
      timeoutMs: PATIENCE_MS,
    });
    const text = { type: 'string', required: false, max_length: 255 };
    await made('/v1/resource_type', { name: 'instance', attributes: { server_group: text } });
    const policy = { name: 'fast', aggregation_methods: ['mean', 'rate:mean'], definition: [{ granularity: '60s' }] };
    await made('/v1/archive_policy', policy);
    const instance = { id: RESOURCE, server_group: 's', metrics: { cpu: { archive_policy_name: 'fast' } } };
    const { metrics } = (await made('/v1/resource/instance', instance)) as { metrics: { cpu: string } };
    metricId = metrics.cpu;
  });

  afterAll(async () => {
    client.close();
    stranger.close();
    await gnocchi.stop();
  });

  test('lists its aggregation methods', async () => {
    const answer = await client.capabilities();
    expect(answer).toMatchObject({
      kind: 'answer',
      value: expect.arrayContaining(['mean', 'rate:mean', 'last', '95pct']),
    });
  });

  describe('accepts a rule', () => {
    test.each<[string, GnocchiRule]>([
      ['on many resources', ofResources],
      ['on the rate of a metric', { ...ofResources, aggregation_method: 'rate:mean' }],
      ['on a metric that no resource has', { ...ofResources, metric: 'nothing' }],
      ['on resources of which there are none', { ...ofResources, query: '{"=": {"server_group": "none"}}' }],
      ['within what one project created', { ...ofResources, query: narrowed(ofResources.query) }],
      [
        'on a resource that does not exist',
        {
          type: 'gnocchi_resources_threshold',
          metric: 'cpu',
          resource_id: UNUSED,
          resource_type: 'generic',
          ...COMMON,
          aggregation_method: 'last',
        },
      ],
      [
        'on metrics that do not exist',
        { type: 'gnocchi_aggregation_by_metrics_threshold', metrics: [UNUSED, 'x'], ...COMMON },
      ],
    ])('%s', async (_, rule) => {
      expect(await check(rule)).toBe('accepted');
    });
  });

  describe('refuses a rule', () => {
    test('with an unknown method', async () => {
      expect(await check({ ...ofResources, aggregation_method: 'bogus' })).toEqual([
        'invalid_request',
        expect.stringMatching(/^aggregation_method should be in \['.+'\] not bogus$/),
      ]);
    });

    // An invalid search makes this Gnocchi fail; unknown attributes do not.
    test.each<[string, GnocchiRule, unknown]>([
      [
        'on a type of resource that it does not know',
        { ...ofResources, resource_type: 'nonesuch' },
        [400, { cause: 'Resource type does not exist', detail: 'nonesuch' }],
      ],
      [
        'with a search by an attribute that there is not',
        { ...ofResources, query: '{"=": {"nonesuch": 1}}' },
        [400, expect.stringContaining('nonesuch')],
      ],
      [
        'with a search that is none',
        { ...ofResources, query: '{"nonesuch": 1}' },
        [500, 'Gnocchi answered with status 500'],
      ],
      ['for whose method it has no operation', { ...ofResources, aggregation_method: 'last' }, [400, INVALID]],
    ])('%s', async (_, rule, told) => {
      expect(await check(rule)).toEqual(told);
    });
  });

  test('shows resources and metrics, and tells which kind of refusal it is', async () => {
    expect(await client.resource(RESOURCE)).toEqual({ kind: 'answer', value: { id: RESOURCE } });
    expect(await client.metric(metricId)).toEqual({ kind: 'answer', value: { id: metricId } });
    for (const answer of [await stranger.resource(RESOURCE), await stranger.metric(metricId)]) {
      expect(answer).toMatchObject({ kind: 'refusal', status: 403 });
    }
    for (const id of [UNUSED, 'no-uuid', 'a/b', '..', '%']) {
      expect(await client.metric(id)).toMatchObject({ kind: 'refusal', status: 404 });
    }
    for (const id of [UNUSED, 'no-uuid', '..', '%']) {
      expect(await client.resource(id)).toMatchObject({ kind: 'refusal', status: 404 });
    }
  });

  test('shows a resource under the name that its creator gave it, to no other user', async () => {
    const { id } = (await made('/v1/resource/generic', { id: 'instance-7-tap' })) as { id: string };
    expect(await client.resource('instance-7-tap')).toEqual({ kind: 'answer', value: { id } });
    expect(await stranger.resource('instance-7-tap')).toMatchObject({ kind: 'refusal', status: 404 });
    expect(await stranger.resource(id)).toMatchObject({ kind: 'refusal', status: 403 });
  });

  test('has processed measures soon after they were sent', async () => {
    const at = '2026-01-01T12:00:00';
    await gnocchi.ask('POST', `/v1/metric/${metricId}/measures`, { body: [{ timestamp: at, value: 42 }] });
    await eventually(async () => {
      const answer = await client.aggregates({
        operations: ['aggregate', 'mean', ['metric', 'cpu', 'mean']],
        search: { query: { '=': { server_group: 's' } }, resourceType: 'instance' },
        start: at,
        stop: '2026-01-01T12:01:00',
      });
      const measures = { aggregated: [['2026-01-01T12:00:00+00:00', 60, 42]] };
      expect(answer).toEqual({ kind: 'answer', value: { measures } });
    });
  });
});

/** The condition that limits a rule to the resources of project p. */
function narrowed(query: string): string {
  const own = '{"=": {"created_by_project_id": "p"}}';
  const measuredForIt = '{"and": [{"=": {"created_by_project_id": "svc"}}, {"=": {"project_id": "p"}}]}';
  return `{"and": [{"or": [${own}, ${measuredForIt}]}, ${query}]}`;
}

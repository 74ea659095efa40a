import { randomUUID } from 'node:crypto';

import type { Answered } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import { remoteWrite } from '../../support/remote-write.js';
import type { Backends } from './backends.js';

const MINUTE_MS = 60_000;
/**
 * Alarms of the story look at the sum of an hour, or at the last value of an hour. So one measurement changes all of
 * them, and it lasts longer than the story does on the slowest machine.
 */
export const LOOK_BACK = { seconds: 3600, promql: '1h' } as const;
const ARCHIVE_POLICY = {
  name: 'hours',
  aggregation_methods: ['sum'],
  definition: [{ granularity: '1h', timespan: '1d' }],
};
/** A value of the past, so that charts show something that no alarm sees any more. */
const PAST_MEASURED_AGO_MS = 220 * MINUTE_MS;
/** All backends show it then, and for half an hour before and after. */
export const PAST_SEEN_AGO_MS = 190 * MINUTE_MS;

/** What the alarms of the story look at. All of it is high or low at the same time. */
export interface StoryThings {
  /** A metric of Prometheus, and a meter of the built-in ones. */
  metric: string;
  /** Resources of Gnocchi with the metric `cpu`. */
  resources: readonly { id: string; metric: string }[];
}

export interface StoryData {
  readonly things: StoryThings;
  /** Has all values be this one from now on. */
  become(value: number): Promise<void>;
}

interface Point {
  value: number;
  /** What makes a sum this value. */
  change: number;
  atMs: number;
}

/** Creates what the alarms look at, high in the past and without a present value. */
export async function startStoryData(
  { gnocchi, prometheus }: Backends,
  ask: (method: string, path: string, body?: unknown) => Promise<Answered>,
  past: number,
): Promise<StoryData> {
  await gnocchi.ask('POST', '/v1/archive_policy', { body: ARCHIVE_POLICY });
  const metric = 'story_load';
  const resources = [await createResource(), await createResource()];

  async function createResource(): Promise<{ id: string; metric: string }> {
    const metrics = { cpu: { archive_policy_name: ARCHIVE_POLICY.name } };
    const answer = await gnocchi.ask('POST', '/v1/resource/generic', { body: { id: randomUUID(), metrics } });
    expectStatus(answer, 201);
    const made = answer.body as { id: string; metrics: { cpu: string } };
    return { id: made.id, metric: made.metrics.cpu };
  }

  async function write({ value, change, atMs }: Point): Promise<void> {
    await remoteWrite(prometheus.url, [{ labels: [['__name__', metric]], value, atMs }]);
    const timestamp = new Date(atMs).toISOString().slice(0, -1);
    const sample = { counter_name: metric, counter_type: 'delta', counter_unit: '%', counter_volume: change };
    expectStatus(await ask('POST', `/v2/meters/${metric}`, [{ ...sample, resource_id: 'r', timestamp }]), 201);
    const body = Object.fromEntries(resources.map(({ metric: id }) => [id, [{ timestamp, value: change }]]));
    expectStatus(await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body }), 202);
  }

  await write({ value: past, change: past, atMs: Date.now() - PAST_MEASURED_AGO_MS });
  await eventually(async () => {
    for (const { metric: id } of resources) {
      const { body } = await gnocchi.ask('GET', `/v1/metric/${id}/measures?aggregation=sum`);
      if ((body as unknown[]).length === 0) throw new Error('Gnocchi has not processed the past value yet');
    }
  });
  let present = 0;
  let lastMs = 0;
  return {
    things: { metric, resources },
    async become(value) {
      // In the hour of the first one, whose sum it changes.
      lastMs = lastMs === 0 ? Math.floor(Date.now() / 1000) * 1000 : lastMs + 1;
      await write({ value, change: value - present, atMs: lastMs });
      present = value;
    },
  };
}

function expectStatus(
  { status, ...answer }: { status: number; body?: unknown; text?: string },
  expected: number,
): void {
  if (status !== expected) throw new Error(`not written: ${status} ${answer.text ?? JSON.stringify(answer.body)}`);
}

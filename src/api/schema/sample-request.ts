import { z } from 'zod';

import { optional, wireEnum, wireFloat, wireText } from '../../alarm/wire/wire-types.js';
import { AppError, type BodyPath } from '../../errors.js';
import type { Sample } from '../../storage/meters/sample-store.js';
import { parseWith } from '../http/faultstring.js';
import type { JsonList } from '../http/json-list.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { wireTimestamp } from './timestamp.js';

const MAX_TEXT = 255;
/** No measurement is larger, and sums of squares of larger numbers would overflow. */
const MAX_VOLUME = 1e100;
const nullable = optional(wireText({ max: MAX_TEXT }) as z.ZodType<string | null>, null);

/** A sample as Ceilometer's clients post it. */
export const SampleRequest = z.strictObject({
  counter_name: nullable,
  counter_type: wireEnum(['gauge', 'delta', 'cumulative']),
  counter_unit: wireText({ max: MAX_TEXT }),
  counter_volume: wireFloat().refine(
    (volume) => Math.abs(volume) <= MAX_VOLUME,
    `Value should be between -${MAX_VOLUME} and ${MAX_VOLUME}`,
  ),
  resource_id: wireText({ max: MAX_TEXT }),
  project_id: nullable,
  user_id: nullable,
  source: optional(wireText({ max: MAX_TEXT }), 'openstack'),
  timestamp: wireTimestamp(),
  recorded_at: wireTimestamp(),
  message_id: nullable,
  resource_metadata: z.record(z.string(), z.unknown()).nullish(),
});

/** Values for fields that a sample leaves out, and the caller who posts it. */
export interface SampleContext {
  meter: string;
  identity: Identity;
  at: Date;
  newId: () => string;
}

/**
 * The samples in the body of a POST, which is a list or a single sample. They may be read several times and are always
 * the same. Reading throws an AppError with index and field of the first invalid sample. Then no sample may be stored.
 * @throws AppError if there is no body.
 */
export function samplesIn(body: JsonList | undefined, context: SampleContext): AsyncIterable<readonly Sample[]> {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "samples"');
  const newIds: string[] = [];
  const { isList } = body;
  const sampleAt = (value: unknown, index: number): Sample =>
    sampleOf(
      value,
      { index, within: isList ? [index] : [] },
      { ...context, newId: () => (newIds[index] ??= context.newId()) },
    );
  return body.map((items, from) => items.map((value, index) => sampleAt(value, from + index)));
}

function sampleOf(
  value: unknown,
  { index, within }: { index: number; within: BodyPath },
  { meter, identity, at, newId }: SampleContext,
): Sample {
  const request = parseWith(SampleRequest, { argument: 'samples', value, prefix: `[${index}]`, within });
  if (request.counter_name !== null && request.counter_name !== meter) {
    const field = `samples[${index}].counter_name`;
    const message = `should be ${meter}, the meter that is posted to`;
    throw new AppError(
      'invalid_request',
      `Invalid input for field/attribute ${field}. Value: '${request.counter_name}'. ${message}`,
      { field: [...within, 'counter_name'] },
    );
  }
  if (request.project_id !== null) refuseForeignProject(identity, request.project_id);
  return {
    messageId: request.message_id ?? newId(),
    meter,
    type: request.counter_type,
    unit: request.counter_unit,
    volume: request.counter_volume,
    resourceId: request.resource_id,
    projectId: request.project_id ?? identity.projectId,
    userId: request.user_id ?? identity.userId,
    source: request.source,
    timestamp: request.timestamp ?? at,
    recordedAt: at,
    resourceMetadata: request.resource_metadata ?? {},
  };
}

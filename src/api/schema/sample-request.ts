import { randomUUID } from 'node:crypto';
import { z } from 'zod';

import { optional, wireEnum, wireFloat, wireText } from '../../alarm/wire-types.js';
import { AppError } from '../../errors.js';
import type { Sample } from '../../storage/sample-store.js';
import { parseWith } from '../faultstring.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { invalidInput } from '../query-parameters.js';
import { wireTimestamp } from './timestamp.js';

const MAX_ID = 255;
/** Sums of squares of larger ones leave the range of a double, and would fail every query over them. */
const MAX_VOLUME = 1e150;

const Volume = wireFloat().superRefine((volume, context) => {
  if (Math.abs(volume) <= MAX_VOLUME) return;
  context.addIssue({ code: 'custom', message: `Value should be between -${MAX_VOLUME} and ${MAX_VOLUME}` });
});

/** A sample as Ceilometer's clients send it. */
const SampleRequest = z.strictObject({
  counter_name: optional<string | null>(wireText({ max: MAX_ID }), null),
  counter_type: wireEnum(['gauge', 'delta', 'cumulative']),
  counter_unit: wireText({ max: MAX_ID }),
  counter_volume: Volume,
  resource_id: wireText({ max: MAX_ID }),
  project_id: optional<string | null>(wireText({ max: MAX_ID }), null),
  user_id: optional<string | null>(wireText({ max: MAX_ID }), null),
  timestamp: wireTimestamp(),
  resource_metadata: optional(z.record(z.string(), z.unknown()), {}),
  source: optional(wireText({ max: MAX_ID }), 'openstack'),
  message_id: optional<string | null>(wireText({ max: MAX_ID }), null),
  recorded_at: wireTimestamp(),
});

/** The samples of a POST, one or a list. The first bad one is named, and none is taken. */
export function parseSamples(body: unknown, meter: string, { identity, at }: { identity: Identity; at: Date }): Sample[] {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  if (meter.length > MAX_ID)
    throw invalidInput('meter_name', meter, `Value should have a maximum character requirement of ${MAX_ID}`);
  const listed = Array.isArray(body);
  return (listed ? (body as unknown[]) : [body]).map((value, index) => {
    const prefix = listed ? { prefix: `[${index}]` } : {};
    const sample = parseWith(SampleRequest, { argument: 'data', value, ...prefix });
    if (sample.counter_name !== null && sample.counter_name !== meter) {
      throw invalidInput(listed ? `data[${index}].counter_name` : 'counter_name', sample.counter_name, `should be ${meter}`);
    }
    const projectId = sample.project_id ?? identity.projectId;
    refuseForeignProject(identity, projectId);
    return {
      messageId: sample.message_id ?? randomUUID(),
      meter,
      type: sample.counter_type,
      unit: sample.counter_unit,
      volume: sample.counter_volume,
      resourceId: sample.resource_id,
      projectId,
      userId: sample.user_id,
      source: sample.source,
      timestamp: sample.timestamp ?? at,
      recordedAt: at,
      resourceMetadata: sample.resource_metadata,
    };
  });
}

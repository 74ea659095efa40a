import { readFileSync } from 'node:fs';

import type { Answered, TestApi } from './api.js';
import { requestFields } from './request-fields.js';

/** What a field of a request does: it changes a later answer, it is refused, or it is read and not used. */
export type Meaning = 'meant' | 'refused' | 'unused';

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Status and text of an answer, with `id` for each generated id. */
export function shown({ status, text }: Answered): string {
  return `${status} ${text.replace(ID, 'id')}`;
}

/**
 * Fields of a draft in a backtest, in a request for values and in a test have the schema of an alarm's fields, which
 * have tests of their own.
 */
const OF_A_DRAFT = /^POST (\/v2\/alarms\/backtest|\/v1\/alarms\/values|\/v1\/alarms\/test-fire): alarm\./;

/** Fields of a sign-in have tests of their own: without authentication each of them is refused. */
const OF_A_SIGN_IN = /^POST \/v1\/session: /;

/** Fields of all requests, as /openapi.json lists them, without those of a draft and of a sign-in. */
export async function fieldsOfRequests(api: TestApi): Promise<string[]> {
  const fields = requestFields((await api.ask('GET', '/openapi.json')).json());
  return fields.filter((field) => !OF_A_DRAFT.test(field) && !OF_A_SIGN_IN.test(field));
}

/** True for a field of the body that creates or replaces an alarm. */
export function isOfAlarm(field: string): boolean {
  return /^(POST|PUT) \/v2\/alarms(\/\{id\})?: /.test(field);
}

/** The names among `fields` that docs/compatibility.md does not list as read and not used. */
export function undocumented(fields: readonly string[]): string[] {
  const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
  const part = /## Fields that are read and not used\n([^]*?)\n## /.exec(page)?.[1] ?? '';
  return fields.filter((name) => !part.includes(`\`${name}\``));
}

export const SAMPLE = {
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: 'r',
  message_id: 'm',
  source: 's',
  project_id: 'p1',
};

import fc from 'fast-check';

import { aPoolMember } from '../../support/octavia-double.js';
import { NOW } from './judged.js';
import { damaged, listOf, mostly, objectOf, oddTexts, own, readJson, type Text } from './json-text.js';

/** The answer to a pool's alarm. */
export interface OctaviaCase {
  body: Buffer;
}

/** How long a new member may take, in seconds. */
export const CREATION_TIME_S = 120;

const MAX_DEPTH = 4;

const member: Text = objectOf({
  ...Object.fromEntries(
    Object.entries(aPoolMember()).map(([name, value]) => [name, fc.constant(JSON.stringify(value))]),
  ),
  admin_state_up: mostly(fc.constantFrom('true', 'true', 'false'), oddTexts),
  operating_status: mostly(fc.constantFrom('"ONLINE"', '"ONLINE"', '"ERROR"'), oddTexts),
  created_at: mostly(fc.constantFrom('"2026-01-01T11:00:00"', '"2026-01-01T11:59:45"'), oddTexts),
});

export const octaviaCases: fc.Arbitrary<OctaviaCase> = mostly(
  objectOf({ members: mostly(fc.array(mostly(member, oddTexts, 60), { maxLength: 4 }).map(listOf), oddTexts, 30) }),
  oddTexts,
  40,
)
  .chain(damaged)
  .map((body) => ({ body }));

/** The expected result: members that are old enough, enabled and in error make it an alarm. */
export function healthIn({ body }: OctaviaCase): 'ok' | 'alarm' | 'outage' {
  const members = own(readJson(body)?.json, 'members');
  if (!Array.isArray(members) || !members.every(isShallowObject)) return 'outage';
  const unhealthy = members.filter((each) => {
    const born = own(each, 'created_at');
    const isOld = born === '2026-01-01T11:00:00' && Date.parse(`${born}Z`) <= NOW.getTime() - CREATION_TIME_S * 1000;
    return isOld && own(each, 'admin_state_up') === true && own(each, 'operating_status') === 'ERROR';
  });
  return unhealthy.length > 0 ? 'alarm' : 'ok';
}

function isShallowObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  // The list of members is the first level, a member the second.
  let level: unknown[] = Object.values(value);
  for (let depth = 2; depth < MAX_DEPTH; depth += 1)
    level = level.flatMap((each) => (isParent(each) ? (Object.values(each) as unknown[]) : []));
  return !level.some(isParent);
}

function isParent(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

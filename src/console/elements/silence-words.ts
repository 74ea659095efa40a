import type { operations } from '../../client/openapi-types.js';
import type { Schemas } from '../requests/client.js';
import type { PageUser } from '../requests/page-user.js';
import { TYPE_WORDS, TYPES, type ShownType } from './alarm-types.js';

/** The body of requests that make, change and preview silences. */
export type SilenceBody = operations['createSilence']['requestBody']['content']['application/json'];
export type ShownSilence = Schemas['Silence'];
export type ShownMatcher = ShownSilence['matchers'][number];

/** The matchers of a silence in words. `names`: names of alarms by their ids, as far as they are known. */
export function matchersText(matchers: readonly ShownMatcher[], names?: ReadonlyMap<string, string>): string {
  const [first] = matchers;
  if (first?.field === 'alarm_id' && matchers.length === 1)
    return `The alarm ${names?.get(first.value) ?? first.value}`;
  return `Alarms whose ${matchers.map((matcher) => matcherText(matcher, names)).join(' and whose ')}`;
}

function matcherText({ field, value }: ShownMatcher, names?: ReadonlyMap<string, string>): string {
  switch (field) {
    case 'alarm_id':
      return `id is ${value}${names?.has(value) ? ` (${names.get(value)})` : ''}`;
    case 'name':
      return /[*?[]/.test(value) ? `name matches “${value}”` : `name is “${value}”`;
    case 'type':
      return `type is ${TYPES.find((type) => type === value) ? TYPE_WORDS[value as ShownType] : value}`;
    case 'severity':
      return `severity is ${value}`;
  }
}

/** Ids that say nothing to people: the one of a service without authentication, and those of Keystone. */
const NO_NAME = /^default$|^[0-9a-f]{32}$|^[0-9a-f]{8}-/;

/** The user's name, if it is known; otherwise empty. */
export function ownerName({ user_id: userId }: PageUser): string {
  return userId === null || NO_NAME.test(userId) ? '' : userId;
}

import { z } from 'zod';

import { projectIn, traitsByName, traitValue, type AlarmEvent, type Trait } from '../../alarm/types/event/event.js';
import { MANDATORY_MISSING, optional, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import { parseWith, type FaultContext } from '../http/faultstring.js';
import type { JsonList } from '../http/json-list.js';
import { invalidInput } from '../http/query-parameters.js';
import { wireTimestamp } from './timestamp.js';

const ARGUMENT = 'body';
/** Most events in one request. */
const MAX_EVENTS = 10_000;
/** The event is part of the notification of each alarm that it fires, so its size is limited. */
const MAX_EVENT_CHARACTERS = 64 * 1024;
const MAX_ID = 255;

const Id = wireText({ max: MAX_ID }).refine((text) => text !== '', MANDATORY_MISSING);

const TraitRequest = z
  .unknown()
  .transform((value, context): Trait => {
    const problem = problemOf(value);
    if (problem === undefined) return value as Trait;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  })
  .meta({
    type: 'array',
    minItems: 3,
    maxItems: 3,
    description: 'Name, type (1 text, 2 integer, 3 float, 4 datetime) and value.',
  });

/** An event as Ceilometer publishes it. Other members are kept and sent to the receivers. */
export const EventRequest = z.looseObject({
  message_id: Id,
  event_type: Id,
  generated: wireTimestamp(),
  traits: optional(wireList(TraitRequest as z.ZodType<Trait>), []),
});

/**
 * The events in the body of a POST, which is a list or a single event, in their order. They may be read several times.
 * Reading throws an AppError with index and field of the first invalid event. Then no event may be stored.
 * @throws AppError if there is no body, or more events than one request may have.
 */
export function eventsIn(body: JsonList | undefined): AsyncIterable<readonly AlarmEvent[]> {
  if (body === undefined) throw new AppError('invalid_request', `Missing argument: "${ARGUMENT}"`);
  const { length, isList } = body;
  if (length > MAX_EVENTS) throw invalidInput(ARGUMENT, `${length} events`, `at most ${MAX_EVENTS} events at once`);
  const eventAt = (value: unknown, index: number): AlarmEvent =>
    isList ? eventOf(value, { prefix: `[${index}]`, within: [index] }) : eventOf(value, { prefix: '', within: [] });
  return body.map((items, from) => items.map((value, index) => eventAt(value, from + index)));
}

function eventOf(value: unknown, place: Required<Pick<FaultContext, 'prefix' | 'within'>>): AlarmEvent {
  const context = { argument: ARGUMENT, value, ...place };
  const { message_id, event_type, generated, traits } = parseWith(EventRequest, context);
  const { prefix, within } = place;
  if (JSON.stringify(value).length > MAX_EVENT_CHARACTERS) {
    throw invalidInput(ARGUMENT + prefix, message_id, `An event has at most ${MAX_EVENT_CHARACTERS} characters`).at(
      within,
    );
  }
  const projectId = projectIn(traits);
  if (projectId.length > MAX_ID) {
    throw invalidInput(
      `${ARGUMENT}${prefix}.traits`,
      `${projectId.slice(0, 20)}…`,
      `Ids have at most ${MAX_ID} characters`,
    ).at([...within, 'traits']);
  }
  return {
    messageId: message_id,
    eventType: event_type,
    projectId,
    generated,
    traits: traitsByName(traits),
    raw: value as Record<string, unknown>,
  };
}

function problemOf(trait: unknown): string | undefined {
  if (!Array.isArray(trait) || trait.length !== 3 || typeof trait[0] !== 'string') {
    return 'A trait should be a list of name, type and value';
  }
  const [name, type, value] = trait as [string, unknown, unknown];
  if (value === null || traitValue([name, type, value]) !== undefined) return undefined;
  return `Unable to convert the value of trait ${name} to its data type`;
}

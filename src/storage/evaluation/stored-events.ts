import { traitsByName, type AlarmEvent, type Trait } from '../../alarm/types/event/event.js';
import type { Database } from '../database.js';

/** The columns of a stored event that it is made from. */
export interface EventRow {
  eventType: string;
  generated: Date | null;
  body: string;
}

/** Converts a row to an event. */
export function eventIn(
  { eventType: type, generated, body }: EventRow,
  ids: Pick<AlarmEvent, 'projectId' | 'messageId'>,
): AlarmEvent {
  const raw = JSON.parse(body) as { traits?: readonly Trait[] | null };
  const traits = traitsByName(raw.traits ?? []);
  return { ...ids, eventType: type, generated: generated ?? undefined, traits, raw };
}

/** The place of an event among all events, by the time at which it was received. */
export interface EventPlace {
  receivedAt: Date;
  projectId: string;
  messageId: string;
}

/** Events of one project that were received within a time span. */
export interface EventsQuery {
  /** Empty: events that name no project. */
  projectId: string;
  start: Date;
  stop: Date;
  /** The last event of the slice before. */
  before: EventPlace | undefined;
}

/** Some events of a project, and the last event of any project that was read for them. */
export interface EventSlice {
  events: { event: AlarmEvent; receivedAt: Date }[];
  /** Undefined if there are no more events in the span. */
  last: EventPlace | undefined;
}

/**
 * Rows of one slice, of all projects: the index has the times of events only. Their bodies are read if they belong to
 * the project; 200 events of 64 KiB each are 13 MB.
 */
const SLICE = 200;

const EVENTS = `
  select e.received_at as "receivedAt", e.project_id as "projectId", e.message_id as "messageId",
         e.event_type as "eventType", e.generated, case when e.project_id = $1 then e.body end as body
    from events e
   where e.received_at between $2::timestamptz and least($3::timestamptz, $4::timestamptz)
     and ($4::timestamptz is null
          or (e.received_at, e.project_id, e.message_id) < ($4::timestamptz, $5::text, $6::text))
   order by e.received_at desc, e.project_id desc, e.message_id desc limit ${SLICE}`;

type StoredEventRow = EventPlace & Omit<EventRow, 'body'> & { body: string | null };

export type StoredEvents = ReturnType<typeof createStoredEvents>;

/** Reads stored events. There is no scope: callers pass the project of an alarm that the requester may read. */
export function createStoredEvents(db: Database) {
  return {
    /** Reads the newest events, in slices. A slice can have no event of the project. */
    async slice({ projectId, start, stop, before }: EventsQuery): Promise<EventSlice> {
      const { receivedAt = null, projectId: lastProject = null, messageId = null } = before ?? {};
      const parameters = [projectId, start, stop, receivedAt, lastProject, messageId];
      const { rows } = await db.query<StoredEventRow>(EVENTS, parameters);
      const events = rows.flatMap(({ body, eventType, generated, receivedAt: at, messageId: id }) =>
        body === null
          ? []
          : [{ event: eventIn({ eventType, generated, body }, { projectId, messageId: id }), receivedAt: at }],
      );
      return { events, last: rows.length < SLICE ? undefined : rows.at(-1) };
    },
  };
}

import { haveSameDefinition } from './alarm-definition.js';
import { bodyOf, client, RequestRefused, type Schemas } from './client.js';
import { tagOf } from './entity-tag.js';

/** An alarm, or a draft of one, with the `ETag` of the stored alarm. It changes with the definition and the state. */
export interface Versioned<Alarm extends object> {
  alarm: Alarm;
  /** Undefined if the answer had none: the alarm can then be shown, but not changed. */
  tag: string | undefined;
}
export type AlarmVersion = Versioned<Schemas['Alarm']>;

/** Reads an alarm; null if the user cannot see one with this id. */
export async function readAlarm(id: string, signal?: AbortSignal): Promise<AlarmVersion | null> {
  const answering = client.GET('/v2/alarms/{id}', { params: { path: { id } }, ...(signal && { signal }) });
  const { response } = await answering;
  if (response.status === 404) return null;
  return { alarm: await bodyOf(answering), tag: tagOf(response) };
}

/** The definition of the alarm is no longer the one that the user has seen. */
export class DefinitionChanged extends Error {
  constructor(readonly present: AlarmVersion) {
    super('The alarm has changed since you opened it. Close this, read the change, and try again.');
  }
}

/** Most requests for one change of an alarm whose state changes meanwhile. */
const MOST_REQUESTS = 5;

/**
 * Sends a change of the version that the user has seen. If only the state has changed since, the change is sent again
 * for the present version. @throws DefinitionChanged, RequestRefused
 */
export async function changeVersion(
  id: string,
  seen: Versioned<object>,
  send: (version: { alarm: object; tag: string }) => Promise<unknown>,
): Promise<void> {
  let version = seen;
  for (let requests = 1; requests <= MOST_REQUESTS; requests += 1) {
    const { alarm, tag } = version;
    // Without a tag the change would also replace what another user has changed.
    if (tag === undefined) throw new Error("The service's answer had no ETag; a proxy may remove it.");
    try {
      await send({ alarm, tag });
      return;
    } catch (thrown) {
      if (!(thrown instanceof RequestRefused) || thrown.status !== 412) throw thrown;
      const present = await readAlarm(id);
      if (present === null) throw thrown;
      if (!haveSameDefinition(seen.alarm, present.alarm)) throw new DefinitionChanged(present);
      if (present.tag === tag) throw thrown; // the same request would be refused again
      version = present;
    }
  }
  throw new Error('The state of the alarm changed during each attempt: try again.');
}

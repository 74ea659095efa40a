import { bodyOf, client, RequestRefused, type Schemas } from './client.js';
import { tagOf } from './entity-tag.js';
import { isEqual } from './json-equal.js';

/** A silence with the `ETag` of the stored one. It changes with each change of the silence. */
export interface SilenceVersion {
  silence: Schemas['SilenceWithChanges'];
  /** Undefined if the answer had none, since a proxy may remove it. */
  tag: string | undefined;
}

/** Reads a silence; null if the user cannot see one with this id. */
export async function readSilence(id: string, signal?: AbortSignal): Promise<SilenceVersion | null> {
  const answering = client.GET('/v1/silences/{id}', { params: { path: { id } }, ...(signal && { signal }) });
  const { response } = await answering;
  if (response.status === 404) return null;
  return { silence: await bodyOf(answering), tag: tagOf(response) };
}

/** The silence is no longer the one that the user has seen. */
export class SilenceChanged extends Error {
  constructor(readonly present: SilenceVersion) {
    super('This silence has changed since you opened it. Close this, read the change, and try again.');
  }
}

/** Sends a change of the version that the user has seen. @throws SilenceChanged, RequestRefused */
export async function changeSilence<Value>(
  id: string,
  tag: string | undefined,
  send: (headers: { 'If-Match': string }) => Promise<Value>,
): Promise<Value> {
  // Without a tag the change would also replace what another user has changed.
  if (tag === undefined) throw new Error("The service's answer had no ETag; a proxy may remove it.");
  try {
    return await send({ 'If-Match': tag });
  } catch (thrown) {
    const present = thrown instanceof RequestRefused && thrown.status === 412 ? await readSilence(id) : null;
    throw present === null ? thrown : new SilenceChanged(present);
  }
}

/** Ends a silence that is still as the user has seen it. @throws SilenceChanged, RequestRefused */
export async function endSilence(seen: Schemas['Silence']): Promise<void> {
  const { id } = seen;
  const present = await readSilence(id);
  // Lists have no tags, so what they show is compared.
  if (present !== null && !isEqual(shownIn(seen), shownIn(present.silence))) throw new SilenceChanged(present);
  await changeSilence(id, present?.tag ?? '*', (headers) =>
    bodyOf(client.DELETE('/v1/silences/{id}', { params: { path: { id } }, headers })),
  );
}

/** What a user decides by. `status` and `opening` change with the time. */
function shownIn({ matchers, project_ids, all_projects, recurrence, ends_at }: Schemas['Silence']): unknown {
  return { matchers, project_ids, all_projects, recurrence, ends_at };
}

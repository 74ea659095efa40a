import { bodyOf, client, type Schemas } from '../requests/client.js';
import type { Draft } from './draft.js';

/** A stored alarm as it was read, with its `ETag`. */
export interface StoredVersion {
  alarm: Draft;
  tag: string;
}

/** Reads an alarm with its `ETag`; null if the reader cannot see one with this id. */
export async function readStored(id: string, signal?: AbortSignal): Promise<StoredVersion | null> {
  const answering = client.GET('/v2/alarms/{id}', { params: { path: { id } }, ...(signal && { signal }) });
  const { response } = await answering;
  if (response.status === 404) return null;
  return { alarm: await bodyOf(answering), tag: response.headers.get('ETag') ?? '*' };
}

/** Creates an alarm; returns its id. @throws RequestRefused */
export async function createAlarm(draft: Draft): Promise<string> {
  const body = draft as unknown as Schemas['AlarmRequest'];
  return (await bodyOf(client.POST('/v2/alarms', { body }))).alarm_id;
}

/** Replaces the version of the alarm that has this tag. @throws RequestRefused, 412 for any other version. */
export async function replaceAlarm(id: string, draft: Draft, tag: string): Promise<void> {
  const body = draft as unknown as Schemas['AlarmRequest'];
  await bodyOf(client.PUT('/v2/alarms/{id}', { params: { path: { id } }, body, headers: { 'If-Match': tag } }));
}

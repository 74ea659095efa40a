import { bodyOf, client, RequestRefused, type Schemas } from '../requests/client.js';

/** An alarm as it was read, with its `ETag`. An edit names it, so that it cannot undo another one unseen. */
export interface AlarmVersion {
  alarm: Schemas['Alarm'];
  tag: string;
}

/** Fields that the service sets, and refuses or ignores in requests. */
const READ_ONLY = ['alarm_id', 'timestamp', 'state_timestamp', 'evaluate_timestamp'];

/** Reads an alarm; null if the reader cannot see one with this id. */
export async function readAlarm(id: string, signal: AbortSignal): Promise<AlarmVersion | null> {
  const answering = client.GET('/v2/alarms/{id}', { params: { path: { id } }, signal });
  const { response } = await answering;
  if (response.status === 404) return null;
  return { alarm: await bodyOf(answering), tag: response.headers.get('ETag') ?? '*' };
}

/** Changes some fields of the version that the reader sees. @throws RequestRefused if it is not the present one. */
export async function changeAlarm({ alarm, tag }: AlarmVersion, changes: Partial<Schemas['Alarm']>): Promise<void> {
  const kept = Object.entries(alarm).filter(([name]) => !READ_ONLY.includes(name));
  const body = { ...Object.fromEntries(kept), ...changes } as Schemas['AlarmRequest'];
  const { alarm_id: id } = alarm;
  try {
    await bodyOf(client.PUT('/v2/alarms/{id}', { params: { path: { id } }, body, headers: { 'If-Match': tag } }));
  } catch (thrown) {
    throw thrown instanceof RequestRefused && thrown.status === 412 ? changedMeanwhile() : thrown;
  }
}

/** Deletes an alarm. Its history stays. */
export async function deleteAlarm(id: string): Promise<void> {
  await bodyOf(client.DELETE('/v2/alarms/{id}', { params: { path: { id } } }));
}

function changedMeanwhile(): Error {
  return new Error('The alarm has changed since you opened it. Reload the page, look at the change, and try again.');
}

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

/** Changes some fields of an alarm. @throws Error if its definition is no longer the one on the page. */
export async function changeAlarm(version: AlarmVersion, changes: Partial<Schemas['Alarm']>): Promise<void> {
  await withVersion(version, ({ alarm, tag }) => {
    const kept = Object.entries(alarm).filter(([name]) => !READ_ONLY.includes(name));
    const body = { ...Object.fromEntries(kept), ...changes } as Schemas['AlarmRequest'];
    const { alarm_id: id } = alarm;
    return bodyOf(client.PUT('/v2/alarms/{id}', { params: { path: { id } }, body, headers: { 'If-Match': tag } }));
  });
}

/** Deletes an alarm; its history stays. @throws Error if its definition is no longer the one on the page. */
export async function deleteAlarm(version: AlarmVersion): Promise<void> {
  await withVersion(version, ({ alarm: { alarm_id: id }, tag }) =>
    bodyOf(client.DELETE('/v2/alarms/{id}', { params: { path: { id } }, headers: { 'If-Match': tag } })),
  );
}

/** Most attempts to send an edit of an alarm whose state changes meanwhile. */
const MOST_EDITS = 3;

/**
 * Sends an edit of the version on the page. The tag changes with the state of the alarm, too. That is no edit by
 * another user, so the edit is sent again.
 */
async function withVersion(seen: AlarmVersion, send: (version: AlarmVersion) => Promise<unknown>): Promise<void> {
  let version = seen;
  for (let edits = 1; ; edits += 1) {
    try {
      await send(version);
      return;
    } catch (thrown) {
      if (!(thrown instanceof RequestRefused) || thrown.status !== 412) throw thrown;
      const present = await readAlarm(seen.alarm.alarm_id, new AbortController().signal);
      if (present?.alarm.timestamp !== seen.alarm.timestamp || edits === MOST_EDITS) throw changedMeanwhile();
      version = present;
    }
  }
}

function changedMeanwhile(): Error {
  return new Error('The alarm has changed since you opened it. Close this, read the change, and try again.');
}

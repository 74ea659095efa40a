import { changeVersion, type Versioned } from '../requests/alarm-version.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import type { Draft } from './draft.js';

/** Creates an alarm; returns its id. @throws RequestRefused */
export async function createAlarm(draft: Draft): Promise<string> {
  const body = draft as unknown as Schemas['AlarmRequest'];
  return (await bodyOf(client.POST('/v2/alarms', { body }))).alarm_id;
}

/**
 * Replaces an alarm by the draft of an edit that began with `seen`. The state of the alarm stays what evaluations have
 * made it, unless the user has changed it. @throws DefinitionChanged, RequestRefused
 */
export async function replaceAlarm(id: string, draft: Draft, seen: Versioned<Draft>): Promise<void> {
  const isStateKept = draft['state'] === seen.alarm['state'];
  await changeVersion(id, seen, ({ alarm, tag }) => {
    const { state } = alarm as Schemas['Alarm'];
    const body = { ...draft, ...(isStateKept ? { state } : {}) } as unknown as Schemas['AlarmRequest'];
    return bodyOf(client.PUT('/v2/alarms/{id}', { params: { path: { id } }, body, headers: { 'If-Match': tag } }));
  });
}

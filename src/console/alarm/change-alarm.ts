import { definitionOf } from '../requests/alarm-definition.js';
import { changeVersion, type AlarmVersion } from '../requests/alarm-version.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';

/** Changes some fields of an alarm. @throws DefinitionChanged if its definition is no longer the one on the page. */
export async function changeAlarm(seen: AlarmVersion, changes: Partial<Schemas['Alarm']>): Promise<void> {
  const { alarm_id: id } = seen.alarm;
  await changeVersion(id, seen, ({ alarm, tag }) => {
    const { state } = alarm as Schemas['Alarm'];
    const body = { ...definitionOf(alarm), state, ...changes } as Schemas['AlarmRequest'];
    return bodyOf(client.PUT('/v2/alarms/{id}', { params: { path: { id } }, body, headers: { 'If-Match': tag } }));
  });
}

/** Deletes an alarm; its history stays. @throws DefinitionChanged as `changeAlarm`. */
export async function deleteAlarm(seen: AlarmVersion): Promise<void> {
  const { alarm_id: id } = seen.alarm;
  await changeVersion(id, seen, ({ tag }) =>
    bodyOf(client.DELETE('/v2/alarms/{id}', { params: { path: { id } }, headers: { 'If-Match': tag } })),
  );
}

import { bodyOf, client } from './client.js';

/** Names of alarms that the user can see, by their ids. */
export async function alarmNames(ids: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
  const filter = JSON.stringify({ in: { alarm_id: ids } });
  const alarms = await bodyOf(client.POST('/v2/query/alarms', { body: { filter, limit: ids.length }, signal }));
  return new Map(alarms.map(({ alarm_id, name }) => [alarm_id, name]));
}

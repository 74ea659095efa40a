import { alarmLinkAt, type AlarmLink } from '../alarm/notification.js';
import type { Config } from '../config/schema.js';

/** The links to alarms; undefined if `api.public_url` is not set. */
export function alarmLinkIn({ api }: Pick<Config, 'api'>): AlarmLink | undefined {
  return api.public_url === undefined ? undefined : alarmLinkAt(api.public_url);
}

import { ADMIN, MEMBER, type Caller } from './api.js';
import type { FieldRow } from './silence-fields.js';

/** Answers of a route twice without a parameter and once with it, for `ID`, a stored alarm. */
type InUrl = (path: string, search: string, method: string, as: Caller) => () => Promise<string[]>;

/** Another value of each parameter. The project is for admins of all projects. */
const SELECTION = {
  status: 'cancelled',
  alarm_id: 'none',
  host: 'none',
  kind: 'repeat',
  since: '2026-01-02T00:00:00Z',
  until: '2025-12-30T00:00:00Z',
  project_id: 'none',
};
const REPLAYED = { ...SELECTION, ended_before: '2025-12-31T00:00:00Z' };
const LISTED = { ...SELECTION, status: 'dead', alarm_id: 'ID', failing: 'true', limit: '1', marker: 'n1' };

/** Rows of the parameters of requests about notifications. */
export function notificationRows(inUrl: InUrl): Record<string, FieldRow> {
  const rows = (method: string, path: string, parameters: Record<string, string>): [string, FieldRow][] =>
    Object.entries(parameters).map(([name, value]) => {
      const as = name === 'project_id' ? ADMIN : MEMBER;
      return [`${method} ${path} ?${name}`, { answers: inUrl(path, `${name}=${value}`, method, as) }];
    });
  return Object.fromEntries([
    ...rows('GET', '/v1/notifications', LISTED),
    ...rows('POST', '/v1/notifications/replay', REPLAYED),
    ...rows('GET', '/v1/notifications/replay/preview', REPLAYED),
    ...rows('GET', '/v1/notifications/receivers', { project_id: 'none' }),
    [
      'GET /v1/notifications/receivers ?limit',
      { answers: inUrl('/v1/notifications/receivers', 'limit=1001', 'GET', MEMBER), meaning: 'refused' },
    ],
  ]);
}

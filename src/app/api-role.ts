import { randomUUID } from 'node:crypto';

import { createNoauthAuthenticator, refuseForeignPages } from '../api/identity/noauth.js';
import { listen, type Listener } from '../api/listen.js';
import type { ReadinessCheck } from '../api/ports.js';
import { QUERY_LIMITS, QuerySlots } from '../api/query-slots.js';
import { createApi, createManagementApi } from '../api/server.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createAlarmStore } from '../storage/alarm-store.js';
import type { Database } from '../storage/database.js';
import { createComplexQueryStore } from '../storage/complex-query-store.js';
import { createHistoryStore } from '../storage/history-store.js';
import { createNotificationAdminStore } from '../storage/notification-admin-store.js';
import { createSampleStore } from '../storage/sample-store.js';
import { createStatisticsStore } from '../storage/statistics-store.js';
import type { Telemetry } from '../telemetry.js';
import { refuseOpenNoauth } from './noauth-guard.js';

export interface ApiRoleDeps {
  config: Config;
  db: Database;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  readiness: () => Promise<ReadinessCheck[]>;
}

/** Checks that the API may listen where it is told to, and listens. */
export async function listenApi({ config, db, clock, log, telemetry, readiness }: ApiRoleDeps): Promise<Listener> {
  const { host, port, i_understand_noauth_is_open, alarm_max_actions } = config.api;
  const exposed = await refuseOpenNoauth(host, i_understand_noauth_is_open);
  if (exposed) log.warn('the API is open: without authentication everybody who reaches it is an admin', { host });
  const auth: ReadinessCheck = { name: 'auth', ok: true, detail: exposed ? 'noauth-exposed' : 'noauth' };
  const app = createApi({
    alarms: createAlarmStore(db),
    history: createHistoryStore(db),
    queries: createComplexQueryStore(db),
    querySlots: new QuerySlots(QUERY_LIMITS),
    samples: createSampleStore(db),
    statistics: createStatisticsStore(db),
    notifications: createNotificationAdminStore(db),
    actions: { alarmMaxActions: alarm_max_actions, queueActions: config.queue.redis_url !== undefined },
    authenticate: createNoauthAuthenticator(),
    refuse: (request) => refuseForeignPages(request, { exposed }),
    now: () => clock.now(),
    newId: () => randomUUID(),
    log,
    onStored: (samples) => telemetry.samplesStored.inc(samples),
    onAnswer: countAnswers(telemetry),
    metrics: metricsOf(telemetry),
    readiness: async () => [...(await readiness()), auth],
  });
  return listen(app, { host, port, setting: 'api.port' });
}

/** Health and metrics of a process of any role, on a listener of their own. */
export function listenManagement(
  { config, log, telemetry, readiness }: Omit<ApiRoleDeps, 'db' | 'clock'>,
  port: number,
): Promise<Listener> {
  const app = createManagementApi({
    log,
    readiness,
    metrics: metricsOf(telemetry),
    refuse: () => undefined,
    onAnswer: countAnswers(telemetry),
  });
  return listen(app, { host: config.management.host, port, setting: 'management.port' });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']);

/** A label must not be what a client makes up. */
function countAnswers(telemetry: Telemetry): (method: string, status: number) => void {
  return (method, status) =>
    telemetry.apiRequests.inc({ method: METHODS.has(method) ? method : 'other', status: String(status) });
}

function metricsOf({ registry }: Telemetry): () => Promise<{ contentType: string; content: string }> {
  return async () => ({ contentType: registry.contentType, content: await registry.metrics() });
}

import { setTimeout as pause } from 'node:timers/promises';

import type { Finding } from '../finding.js';
import { startService, type Answer, type Service } from '../service.js';
import type { Canary } from './canary.js';
import { isPublic } from './deployments.js';
import { URLS, type TriedUrl } from './urls.js';

/** The proxy that the environment of the service names; the canary listens there, too. */
export const PROXY_PORT = 3128;
const PATIENCE_MS = 120_000;
const POLL_MS = 250;
const EVENT = {
  event_type: 'trial',
  message_id: 'm1',
  generated: '2026-01-01T00:00:00',
  traits: [['project_id', 1, 'p']],
};
const PAGE = 1_000;

interface Notified {
  notification_id: string;
  status: string;
}

/**
 * Tries the whole service, as users do: creates an alarm for every URL, fires all of them, and has all that is dead
 * sent again.
 */
export async function tryServing(canary: Canary): Promise<Finding[]> {
  const service = await startService({
    settings: {
      AUTH_MODE: 'apikey',
      LIMITS_REQUESTS_PER_SECOND: '100000',
      LIMITS_WRITES_PER_SECOND: '100000',
      NOTIFIER_RETRY_SCHEDULE: '0s',
      NOTIFIER_REJECTED_SCHEDULE: '0s',
    },
    environment: { HTTP_PROXY: `http://10.0.0.9:${PROXY_PORT}`, http_proxy: `http://10.0.0.9:${PROXY_PORT}` },
  });
  try {
    canary.take();
    const created = await createAlarms(service);
    await must(service.post('/v2/events', EVENT));
    const sent = await untilSent(service, created.alarms.size);
    const findings = [created.finding, reachedOnlyPublic(canary, 'a service with keys calls no denied address', sent)];
    await must(service.post('/v1/notifications/replay?status=dead'));
    const replayed = await untilSent(service, created.alarms.size);
    const deadAgain = replayed.filter(({ status }) => status === 'dead');
    return [...findings, reachedOnlyPublic(canary, 'nor does it when what is dead is sent again', deadAgain)];
  } finally {
    await service.stop();
  }
}

async function must(answer: Promise<Answer>): Promise<void> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
}

/** A URL whose host is a name, which is judged when it is called. */
function isNamed({ kind, place, url }: TriedUrl): boolean {
  return place === 'public' || (kind === 'name' && !url.includes('localhost'));
}

async function createAlarms(service: Service): Promise<{ alarms: Set<string>; finding: Finding }> {
  const alarms = new Set<string>();
  const faults: string[] = [];
  for (const tried of URLS) {
    const { status, body } = await service.post('/v2/alarms', {
      name: 'trial',
      type: 'event',
      event_rule: { event_type: 'trial' },
      alarm_actions: [tried.url],
    });
    const expected = isNamed(tried) ? 201 : 400;
    if (status !== expected) faults.push(`${tried.url} (${tried.place}): ${status} ${JSON.stringify(body)}`);
    if (status === 201) alarms.add((body as { alarm_id: string }).alarm_id);
  }
  return {
    alarms,
    finding: { claim: 'an alarm with an address that is denied is refused', tried: URLS.length, faults },
  };
}

async function untilSent(service: Service, alarms: number): Promise<Notified[]> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { body } = await service.get(`/v1/notifications?limit=${PAGE}`);
    const notifications = body as Notified[];
    if (notifications.length >= alarms && notifications.every(({ status }) => /^(?:dead|delivered)$/.test(status)))
      return notifications;
    if (performance.now() > until)
      throw new Error(`notifications stay unsent: ${JSON.stringify(notifications.slice(0, 3))}`);
    await pause(POLL_MS);
  }
}

function reachedOnlyPublic(canary: Canary, claim: string, sent: readonly Notified[]): Finding {
  const faults = canary
    .take()
    .filter(({ address, port }) => !isPublic(address) || port === PROXY_PORT)
    .map(({ address, port, request }) => `${address}:${port} was called: ${request}`);
  return { claim, tried: sent.length, faults };
}

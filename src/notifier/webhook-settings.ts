import { receiverOriginOf } from '../alarm/receiver/origin.js';
import { ExpiringCache } from '../cache/expiring-cache.js';
import type { Clock } from '../clock.js';
import type { WebhookSettings, WebhookSettingsStore } from '../storage/receivers/webhook-settings-store.js';

/** Returns the settings of a project for webhooks to a URL. @throws Error as `WebhookSettingsStore.ofOrigin`. */
export type WebhookSettingsReader = (projectId: string | null, url: URL) => Promise<WebhookSettings>;

/** After this time settings are read again, so that a new secret or header is used within seconds. */
const MAX_AGE_MS = 2_000;
const MOST_KEPT = 2_000;
const NONE: WebhookSettings = { secrets: [], headers: {} };

/**
 * Reads settings of webhooks and keeps them for two seconds. Webhooks of projects without settings share one query in
 * that time.
 */
export function createWebhookSettingsReader({
  store,
  clock,
}: {
  store: WebhookSettingsStore;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
}): WebhookSettingsReader {
  const kept = new ExpiringCache<Promise<unknown>>(MOST_KEPT, clock);

  /** Requests at the same time share one read. A failed read is not kept. */
  function read<T>(key: string, readNow: () => Promise<T>): Promise<T> {
    const known = kept.get(key) as Promise<T> | undefined;
    if (known) return known;
    const found = readNow();
    kept.set(key, found, clock.monotonicMs() + MAX_AGE_MS);
    found.catch(() => kept.delete(key));
    return found;
  }

  return async (projectId, url) => {
    if (projectId === null) return NONE;
    const projects = await read('', () => store.projects());
    if (projects && !projects.has(projectId)) return NONE;
    const origin = receiverOriginOf(url);
    return read(JSON.stringify([projectId, origin]), () => store.ofOrigin(projectId, origin, clock.now()));
  };
}

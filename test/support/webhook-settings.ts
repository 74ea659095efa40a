import type { WebhookSettingsReader } from '../../src/notifier/webhook-settings.js';

/** No project has settings for webhooks. */
export const UNSIGNED: WebhookSettingsReader = () => Promise.resolve({ secrets: [], headers: {} });

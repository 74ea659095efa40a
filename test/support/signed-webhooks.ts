import { jest } from '@jest/globals';
import { Webhook } from 'standardwebhooks';

import type { ReceivedRequest } from './receiver-server.js';

/** Everything that jest can replace but the time of day. */
const REAL = [
  ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];

/** True if the public package of Standard Webhooks accepts the request, at the time that the request states. */
export function verifies({ headers, body }: ReceivedRequest, secret: string): boolean {
  jest.useFakeTimers({ now: Number(headers['webhook-timestamp']) * 1_000, doNotFake: [...REAL] });
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  } finally {
    jest.useRealTimers();
  }
}

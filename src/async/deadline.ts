import { setMaxListeners } from 'node:events';

import type { Clock } from '../clock.js';

/**
 * Settles as `work` does, or as soon as the signal aborts: then it resolves to `late()`, or rejects with the signal's
 * reason if there is no `late`. The work itself goes on; its late result is ignored.
 */
export async function untilAborted<T, Late = never>(
  work: Promise<T>,
  signal: AbortSignal,
  late?: () => Late,
): Promise<T | Late> {
  setMaxListeners(0, signal); // one batch may wait for hundreds of requests
  let onAbort = (): void => undefined;
  const aborted = new Promise<Late>((resolve, reject) => {
    onAbort = () => (late ? resolve(late()) : reject(signal.reason as Error));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined); // a rejection after the abort is not reported
  }
}

/** Settles as `work` does, or resolves to undefined after `ms`. The work itself goes on; its late result is ignored. */
export function atMost<T>(clock: Pick<Clock, 'sleep'>, ms: number, work: Promise<T>): Promise<T | undefined> {
  return withDeadline(clock, ms, (expired) => untilAborted(work, expired, () => undefined));
}

/** Runs `work` with a signal that aborts after `ms`, unless the work has ended. It is up to the work to end then. */
export async function withDeadline<T>(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  work: (expired: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const expired = new AbortController();
  void clock.sleep(ms, ended.signal).then(() => {
    if (!ended.signal.aborted) expired.abort(new Error('the deadline has passed'));
  });
  try {
    return await work(expired.signal);
  } finally {
    ended.abort();
  }
}

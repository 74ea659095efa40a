import { setMaxListeners } from 'node:events';

/**
 * What `work` comes to; rejects with the signal's reason as soon as it aborts. The work itself goes on, and nobody
 * hears of its end.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  setMaxListeners(0, signal); // one batch may wait for hundreds of requests
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined); // lost the race
  }
}

import { setMaxListeners } from 'node:events';

/**
 * Resolves or rejects as `work` does, or rejects with the signal's reason as soon as the signal aborts. The work itself
 * goes on; its late result is ignored.
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
    work.catch(() => undefined); // a rejection after the abort is not reported
  }
}

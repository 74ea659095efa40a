import { warnBeforeLeaving } from './leave-warning.js';

/** Work of many requests that goes on when its view is left, each with what ends its warning. */
const running = new Map<AbortController, () => void>();

/** Begins such work. Until it is finished or aborted, the browser warns before the tab is closed. */
export function beginWork(): AbortController {
  const work = new AbortController();
  work.signal.addEventListener('abort', () => finishWork(work));
  running.set(work, warnBeforeLeaving());
  return work;
}

export function finishWork(work: AbortController): void {
  running.get(work)?.();
  running.delete(work);
}

/** Aborts all work: the user in whose name it was done is no longer the user of the page. */
export function abortAllWork(): void {
  for (const work of [...running.keys()]) work.abort();
}

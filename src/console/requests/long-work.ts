/** Work of many requests that goes on when its view is left. */
const running = new Set<AbortController>();

const warn = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Begins such work. Until it is finished or aborted, the browser warns before the tab is closed. */
export function beginWork(): AbortController {
  const work = new AbortController();
  work.signal.addEventListener('abort', () => finishWork(work));
  addEventListener('beforeunload', warn);
  running.add(work);
  return work;
}

export function finishWork(work: AbortController): void {
  running.delete(work);
  if (running.size === 0) removeEventListener('beforeunload', warn);
}

/** Aborts all work: the user in whose name it was done is no longer the user of the page. */
export function abortAllWork(): void {
  for (const work of [...running]) work.abort();
}

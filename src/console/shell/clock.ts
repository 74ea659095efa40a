import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** The user's clock. No other file of the page knows the time or has timers. */
export function now(): Date {
  return new Date();
}

/** How much the service's clock is ahead of the user's, at least. */
let aheadMs = 0;

/** Takes over the time in an answer of the service, `Date`. It is cut to seconds, so it never lies in the future. */
export function learnServiceTime(date: string | null): void {
  const time = date === null ? NaN : Date.parse(date);
  if (!Number.isNaN(time)) aheadMs = time - Date.now();
}

/** A time that is just past for the service, which refuses times in its future. Whole seconds. */
export function serviceTime(): Date {
  return new Date(Math.floor((Date.now() + aheadMs) / 1000) * 1000);
}

/** Calls `work` once after some time, unless the returned function is called before. */
export function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** Resolves after some time, or at once when the signal aborts. */
export function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = after(ms, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Returns a function that calls `work` once, `ms` milliseconds after its own last call. Always the same function. */
export function useLater(ms: number, work: () => void): () => void {
  const latest = useRef(work);
  latest.current = work;
  const cancel = useRef<() => void>(() => undefined);
  useEffect(() => () => cancel.current(), []);
  return useCallback(() => {
    cancel.current();
    cancel.current = after(ms, () => latest.current());
  }, [ms]);
}

/** The present time; renders again every `ms` milliseconds while the page is visible. */
export function useNow(ms: number): Date {
  const [time, setTime] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTime(now());
    }, ms);
    return () => clearInterval(timer);
  }, [ms]);
  return time;
}

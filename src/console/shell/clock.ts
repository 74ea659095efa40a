import { useEffect, useState } from 'preact/hooks';

/** The reader's clock. No other file of the page knows the time or has timers. */
export function now(): Date {
  return new Date();
}

/** Calls `work` once after some time, unless the returned function is called before. */
export function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
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

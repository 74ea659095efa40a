import { useEffect, useRef, useState } from 'preact/hooks';

/** What is known of a request: the newest value stays while a newer one is on its way. */
export interface Answer<Value> {
  value: Value | undefined;
  /** What the last request threw; undefined if it succeeded. */
  failure: unknown;
  isWaiting: boolean;
  /** Sends the request again. */
  again: () => void;
}

/**
 * Sends a request when the element is first shown, and again when `key` changes. A newer request cancels the one
 * before. An undefined key sends none.
 */
export function useAnswer<Value>(
  key: string | undefined,
  send: (signal: AbortSignal) => Promise<Value>,
): Answer<Value> {
  const [answer, setAnswer] = useState<Omit<Answer<Value>, 'again'> & { key?: string | undefined }>({
    value: undefined,
    failure: undefined,
    isWaiting: key !== undefined,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(send);
  latest.current = send;
  useEffect(() => {
    if (key === undefined) return undefined;
    const leaving = new AbortController();
    setAnswer((before) => ({ ...before, isWaiting: true }));
    const settle = (settled: { value?: Value; failure?: unknown }): void => {
      if (leaving.signal.aborted) return;
      setAnswer((before) => ({ value: before.value, failure: undefined, ...settled, isWaiting: false, key }));
    };
    latest.current(leaving.signal).then(
      (value) => settle({ value }),
      (failure: unknown) => settle({ failure }),
    );
    return () => leaving.abort();
  }, [key, round]);
  return { ...answer, again: () => setRound((before) => before + 1) };
}

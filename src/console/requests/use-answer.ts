import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { now } from '../shell/clock.js';

/** What is known of a request: the newest value stays while a newer one is on its way. */
export interface Answer<Value> {
  value: Value | undefined;
  /** What the last request threw; undefined if it succeeded. */
  failure: unknown;
  isWaiting: boolean;
  /** Sends the request again, or after the answer of one that is on its way. Always the same function. */
  again: () => void;
}

/** A request without an answer for this time is cancelled when a newer one is wanted. */
const SLOW_MS = 10_000;

/**
 * Sends a request when the element is first shown, and again when `key` changes. A newer key cancels the request
 * before. An undefined key sends none.
 */
export function useAnswer<Value>(
  key: string | undefined,
  send: (signal: AbortSignal) => Promise<Value>,
): Answer<Value> {
  const [answer, setAnswer] = useState<Omit<Answer<Value>, 'again'> & { key: string | undefined }>({
    key: undefined,
    value: undefined,
    failure: undefined,
    isWaiting: key !== undefined,
  });
  const [round, setRound] = useState(0);
  const progress = useRef({ sentAtMs: -Infinity, isWantedAgain: false });
  const latest = useRef(send);
  latest.current = send;
  // As a layout effect, since other effects wait until the page is painted: the request goes out before.
  useLayoutEffect(() => {
    if (key === undefined) return undefined;
    const leaving = new AbortController();
    progress.current = { sentAtMs: now().getTime(), isWantedAgain: false };
    setAnswer((before) => ({ ...before, isWaiting: true }));
    const record = (outcome: { value?: Value; failure?: unknown }): void => {
      if (leaving.signal.aborted) return;
      const { isWantedAgain } = progress.current;
      progress.current = { sentAtMs: -Infinity, isWantedAgain: false };
      setAnswer((before) => ({ value: before.value, failure: undefined, ...outcome, isWaiting: false, key }));
      if (isWantedAgain) setRound((before) => before + 1);
    };
    latest.current(leaving.signal).then(
      (value) => record({ value }),
      (failure: unknown) => record({ failure }),
    );
    return () => leaving.abort();
  }, [key, round]);
  // A refresh does not cancel the request: if refreshes came faster than answers, nothing would be shown.
  const again = useCallback((): void => {
    if (now().getTime() - progress.current.sentAtMs < SLOW_MS) progress.current.isWantedAgain = true;
    else setRound((before) => before + 1);
  }, []);
  // In the first moment of another key the answer is still that of the key before.
  const isWaiting = key !== undefined && (answer.isWaiting || answer.key !== key);
  return { value: answer.value, failure: answer.failure, isWaiting, again };
}

import type { Clock } from '../clock.js';
import { toError } from '../errors.js';

export interface Tries<Answer> {
  clock: Pick<Clock, 'sleep'>;
  /** One try, which ends by itself. */
  send: () => Promise<Answer>;
  /** After so long without an answer the next try is made, while those before are still listened to. */
  everyMs: number;
  /** Most tries. */
  limit: number;
  /** Told of each other try once the first answer is in: of its answer, or undefined when it ended without one. */
  onOther: (answer: Answer | undefined) => void;
}

/**
 * The first answer of several tries, for requests that must not be made twice unnoticed: a request that is cut off may have been carried out,
 * so a slow one is left open, and what it came to is handed over. Rejects when all tries so far have failed: failing is not being slow.
 */
export function firstAnswer<Answer>({ clock, send, everyMs, limit, onOther }: Tries<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isOver = new AbortController();
    let open = 0;
    let lost = 0;
    const onAnswer = (answer: Answer): void => {
      open -= 1;
      if (isOver.signal.aborted) return onOther(answer);
      isOver.abort();
      resolve(answer);
      for (; lost > 0; lost -= 1) onOther(undefined);
    };
    const onFailure = (cause: unknown): void => {
      open -= 1;
      if (isOver.signal.aborted) return onOther(undefined);
      lost += 1;
      if (open > 0) return;
      isOver.abort();
      reject(toError(cause));
    };
    const run = async (): Promise<void> => {
      for (let tries = 0; tries < limit && !isOver.signal.aborted; tries += 1) {
        open += 1;
        send().then(onAnswer, onFailure);
        await clock.sleep(everyMs, isOver.signal);
      }
    };
    void run();
  });
}

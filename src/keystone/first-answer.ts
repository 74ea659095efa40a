import type { Clock } from '../clock.js';
import { toError } from '../errors.js';

/** The attempts of `firstAnswer`. */
export interface FirstAnswerOptions<Answer> {
  clock: Pick<Clock, 'sleep'>;
  /** Makes one attempt. It must have its own deadline. */
  send: () => Promise<Answer>;
  /** Time without an answer after which the next attempt starts. Earlier attempts stay open. */
  everyMs: number;
  /** Most attempts. */
  limit: number;
  /** Called for each other attempt after the first answer: with its answer, or undefined if it ended without one. */
  onOther: (answer: Answer | undefined) => void;
}

/**
 * Resolves to the first answer of several attempts, for requests of which each execution must be known. A server may
 * execute an aborted request, so a slow attempt is not aborted, and its answer goes to `onOther`. Rejects when all
 * attempts so far have failed.
 */
export function firstAnswer<Answer>({
  clock,
  send,
  everyMs,
  limit,
  onOther,
}: FirstAnswerOptions<Answer>): Promise<Answer> {
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

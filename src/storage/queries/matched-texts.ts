import { yieldToEventLoop } from '../../async/event-loop.js';
import type { Pattern } from './complex-filter.js';

/** Tests texts against a regular expression. The results are in the order of the texts. */
export type TestTexts = (pattern: Pattern, texts: readonly string[]) => Promise<readonly boolean[]>;

/** Tests in this thread: for patterns that are known to be cheap. */
export const testTexts: TestTexts = async (pattern, texts) => {
  const truths: boolean[] = [];
  for (const text of texts) {
    await yieldToEventLoop();
    truths.push(pattern.test(text));
  }
  return truths;
};

import type { Schemas } from '../requests/client.js';

const WORDS = {
  redis: 'evaluators see each other through Redis, and share the partitions.',
  database:
    'an evaluator does without Redis, so evaluators see each other through the database. Nothing is lost: all is ' +
    'evaluated and sent. If Redis is configured, it is unavailable; if it is not, this is as it should be.',
  single: 'one evaluator has all partitions.',
} as const;

/** What a mode of coordination means. */
export function coordinationWords(mode: Schemas['Cluster']['coordination']): string {
  return mode === null ? 'no evaluator reports, so no alarm is evaluated.' : WORDS[mode];
}

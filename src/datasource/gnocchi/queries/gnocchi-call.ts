import type { BackendAnswer, GnocchiQuery, Series } from '../../../alarm/series.js';
import type { Trace } from '../../datasource.js';
import type { Queued } from '../../gate/queue-ticket.js';
import { TOO_MANY_POINTS, type Asked, type Asker } from './requester.js';
import { MAX_POINTS, seriesOf, type Reading } from '../client/measures.js';

export type QueryOfKind<Kind extends GnocchiQuery['kind']> = Extract<GnocchiQuery, { kind: Kind }>;

export interface Question<Query extends GnocchiQuery> extends Queued {
  key: string;
  query: Query;
}

/** What all questions that are put at once have in common, and where their answers go. */
export interface Round {
  asker: Asker;
  /** Of the rows wanted; as `AggregatesRequest` has it. */
  window: { start: string; stop: string; granularityS: number };
  reading: Reading;
  /** What Gnocchi calls us; undefined where we do not know that. */
  creator: string | undefined;
  /**
   * The project that creates resources for everybody. Asked for only where a project's alarms are at hand; trouble when
   * that is not to be had.
   */
  externalOwner(): Promise<Asked<string | null>>;
  trace: Trace | undefined;
  /**
   * Keeps a question's answer. A refusal is remembered, so that what comes again and again does not spoil what it is
   * merged with each time.
   */
  give(question: Question<GnocchiQuery>, answer: BackendAnswer): void;
}

/** Rows of a question as its answer; undefined when they are none. */
export function seriesAnswer(rows: unknown, question: Question<GnocchiQuery>, round: Round): BackendAnswer | undefined {
  if (Array.isArray(rows) && rows.length > MAX_POINTS) return TOO_MANY_POINTS;
  const { trace, reading } = round;
  const onDrop: Reading['onDrop'] = trace && ((point) => trace.dropped({ key: question.key, ...point }));
  const series = seriesOf(rows, { ...reading, onDrop });
  return series && { kind: 'series', series: [series] };
}

export function noPoints(): BackendAnswer {
  return { kind: 'series', series: [NONE] };
}

const NONE: Series = [];

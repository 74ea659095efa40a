import type { BackendAnswer, GnocchiQuery, Series } from '../../../alarm/series.js';
import type { Trace } from '../../datasource.js';
import type { QueueTicket } from '../../gate/queue-ticket.js';
import { TOO_MANY_POINTS, type RequestResult, type GnocchiRequester } from './requester.js';
import { MAX_POINTS, seriesOf, type MeasureReadOptions } from '../client/measures.js';

export type QueryOfKind<Kind extends GnocchiQuery['kind']> = Extract<GnocchiQuery, { kind: Kind }>;

export interface KeyedGnocchiQuery<Query extends GnocchiQuery> extends QueueTicket {
  key: string;
  query: Query;
}

/** What all queries that are put at once have in common, and where their answers go. */
export interface GnocchiCall {
  requester: GnocchiRequester;
  /** Of the rows wanted; as `AggregatesRequest` has it. */
  window: { start: string; stop: string; granularityS: number };
  readOptions: MeasureReadOptions;
  /** What Gnocchi calls us; undefined where we do not know that. */
  creator: string | undefined;
  /**
   * The project that creates resources for everybody. Asked for only where a project's alarms are at hand; trouble when
   * that is not to be had.
   */
  externalOwner(): Promise<RequestResult<string | null>>;
  trace: Trace | undefined;
  /**
   * Keeps a keyedQuery's answer. A refusal is remembered, so that what comes again and again does not spoil what it is
   * merged with each time.
   */
  setAnswer(keyedQuery: KeyedGnocchiQuery<GnocchiQuery>, answer: BackendAnswer): void;
}

/** Rows of a keyedQuery as its answer; undefined when they are none. */
export function seriesAnswer(
  rows: unknown,
  keyedQuery: KeyedGnocchiQuery<GnocchiQuery>,
  call: GnocchiCall,
): BackendAnswer | undefined {
  if (Array.isArray(rows) && rows.length > MAX_POINTS) return TOO_MANY_POINTS;
  const { trace, readOptions: reading } = call;
  const onDrop: MeasureReadOptions['onDrop'] = trace && ((point) => trace.dropped({ key: keyedQuery.key, ...point }));
  const series = seriesOf(rows, { ...reading, onDrop });
  return series && { kind: 'series', series: [series] };
}

export function noPoints(): BackendAnswer {
  return { kind: 'series', series: [NO_POINTS] };
}

const NO_POINTS: Series = [];

import type { BackendAnswer, GnocchiQuery } from '../../../alarm/series.js';
import type { KeyedQuery, Trace } from '../../datasource.js';
import { TOO_MANY_POINTS, type RequestResult, type GnocchiRequester } from './requester.js';
import { MAX_POINTS, seriesOf, type MeasureReadOptions } from '../client/measures.js';

export type QueryOfKind<Kind extends GnocchiQuery['kind']> = Extract<GnocchiQuery, { kind: Kind }>;

/** The state of one call of `Datasource.answers`, which all its queries share. */
export interface GnocchiCall {
  requester: GnocchiRequester;
  /** The window of the rows, in the form of `AggregatesRequest`. */
  window: { start: string; stop: string; granularityS: number };
  readOptions: MeasureReadOptions;
  /** Gnocchi's name for this service; undefined if unknown. */
  creator: string | undefined;
  /**
   * The project that creates resources for all others. Called only if there are queries of projects; the result is
   * `outage` if it cannot be looked up.
   */
  externalOwner: () => Promise<RequestResult<string | null>>;
  trace: Trace | undefined;
  /**
   * Stores the answer to a query. A refusal is cached, so that a bad query does not spoil a merged request each time.
   */
  setAnswer: (keyedQuery: KeyedQuery<GnocchiQuery>, answer: BackendAnswer) => void;
}

/** The answer that the rows of a query are; undefined if they are not a list of rows. */
export function seriesAnswer(
  rows: unknown,
  keyedQuery: KeyedQuery<GnocchiQuery>,
  call: GnocchiCall,
): BackendAnswer | undefined {
  if (Array.isArray(rows) && rows.length > MAX_POINTS) return TOO_MANY_POINTS;
  const { trace, readOptions } = call;
  const onDrop: MeasureReadOptions['onDrop'] = trace && ((point) => trace.dropped({ key: keyedQuery.key, ...point }));
  const series = seriesOf(rows, { ...readOptions, onDrop });
  return series && { kind: 'series', series: [series] };
}

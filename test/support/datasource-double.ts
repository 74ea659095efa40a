import type { BackendAnswer, DatasourceKind } from '../../src/alarm/series.js';
import { untilAborted } from '../../src/async/deadline.js';
import type { QueryContext, Datasource, QueryOf, SeriesRequest } from '../../src/datasource/datasource.js';

/** What a double says to one question. */
export type Says<Kind extends DatasourceKind> = (
  query: QueryOf<Kind>,
  asking: QueryContext,
  key: string,
  request: SeriesRequest<QueryOf<Kind>>,
) => BackendAnswer;

/** A backend that answers as the test says, and can hold its answers back. */
export interface DatasourceDouble<Kind extends DatasourceKind> extends Datasource<QueryOf<Kind>> {
  says: Says<Kind>;
  /** Moments that were asked about so far. */
  asked: Date[];
  /** Asked and not answered. */
  underWay: number;
  /** What the answer to each request waits for; `count` is how many came before it. */
  gate: (count: number) => Promise<void>;
}

export function datasourceDouble<Kind extends DatasourceKind>(says: Says<Kind>): DatasourceDouble<Kind> {
  const double: DatasourceDouble<Kind> = {
    says,
    asked: [],
    underWay: 0,
    gate: () => Promise.resolve(),
    async answers(request, asking) {
      const { queries } = request;
      const gate = double.gate(double.asked.length);
      double.asked.push(asking.now);
      double.underWay += 1;
      await untilAborted(gate, asking.signal).catch(() => undefined);
      double.underWay -= 1;
      for (const { query } of queries) asking.trace?.sent(`POST /double ${JSON.stringify(query)}`);
      return new Map(queries.map(({ key, query }) => [key, double.says(query, asking, key, request)]));
    },
  };
  return double;
}

/** A series that ends at `end`, a point every `stepS` seconds. */
export function seriesEndingAt(
  end: Date,
  stepS: number,
  values: readonly number[],
): { at: number; values: { value: number } }[] {
  return values.map((value, index) => ({
    at: end.getTime() - (values.length - 1 - index) * stepS * 1000,
    values: { value },
  }));
}

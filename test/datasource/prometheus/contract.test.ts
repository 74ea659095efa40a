import type { PrometheusQuery } from '../../../src/alarm/series.js';
import { datasourceContract, METRICS, PERIODS, storedValue, type Subject } from '../../contract/datasource.js';
import { startPrometheus, type StoredSeries } from '../../support/prometheus.js';
import { NOON, prometheusAt } from '../../support/prometheus-double.js';
import { describeWith } from '../../support/servers.js';

const PERIOD_S = 60;

/** Samples are stored exactly at the moments that are queried, the newest of which is noon. */
function stored(): StoredSeries[] {
  return Array.from({ length: METRICS }, (_, n) => ({
    metric: `metric${n % 2}`,
    labels: { host: `h${n}`, project: `p${n % 3}` },
    points: Array.from({ length: PERIODS }, (_each, age): [number, number] => [
      NOON.getTime() - age * PERIOD_S * 1000,
      storedValue(n, age),
    ]),
  }));
}

async function subject(): Promise<Subject<PrometheusQuery>> {
  const server = await startPrometheus({ series: stored(), lookback: '59s' });
  const gone = prometheusAt('http://127.0.0.1:9');
  const { datasource } = prometheusAt(server.url);
  return {
    datasource,
    unreachable: gone.datasource,
    kind: 'prometheus',
    now: NOON,
    granularityS: PERIOD_S,
    // Queries with and without a project, of two metrics, so that one request is not enough.
    query: (n) => ({ promql: `metric${n % 2}{host="h${n}"}`, project: n % 4 === 0 ? null : `p${n % 3}` }),
    absent: { promql: 'nothing', project: null },
    refused: { promql: 'metric0{host="h0"} + ', project: null },
    hidden: { promql: 'metric1{host="h1"}', project: 'p2' },
    close: async () => {
      datasource.close?.();
      gone.datasource.close?.();
      await server.stop();
    },
  };
}

describeWith(['prometheus'], 'a real Prometheus', () => datasourceContract(subject));

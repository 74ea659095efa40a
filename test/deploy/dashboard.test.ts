import { afterEach, expect, test } from '@jest/globals';

import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { startPrometheus } from '../support/prometheus.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { freePort, startService } from '../support/service-process.js';
import { sourceOf } from '../support/source-tree.js';

interface Panel {
  title: string;
  targets: { expr: string }[];
}
const { panels } = JSON.parse(sourceOf('deploy/grafana/tocsin-dashboard.json')) as { panels: Panel[] };
const QUERIES = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A service with one alarm, whose transition it delivers. A Prometheus scrapes it, and is its backend. */
async function scrapedService(): Promise<{ prometheusUrl: string }> {
  const port = await freePort();
  const prometheus = await startPrometheus({ targets: [`127.0.0.1:${port}`], job: 'tocsin' });
  undo.push(() => prometheus.stop());
  const receiver = await startReceiver();
  undo.push(() => receiver.close());
  const service = startService({
    DATABASE_DATA_DIR: migratedDataDirectory(),
    API_PORT: String(port),
    EVALUATOR_INTERVAL: '1s',
    PROMETHEUS_URL: prometheus.url,
    PROMETHEUS_TENANCY: 'none',
  });
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  const answer = await fetch(`${url}/v2/alarms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'is scraped',
      type: 'prometheus',
      alarm_actions: [`${receiver.url}/`],
      prometheus_rule: { query: 'tocsin_build_info', threshold: 0, comparison_operator: 'gt', granularity: 1 },
    }),
  });
  expect([answer.status, await answer.text()]).toEqual([201, expect.any(String)]);
  await eventually(() => expect(receiver.requests.length).toBeGreaterThan(0));
  return { prometheusUrl: prometheus.url };
}

describeWith(['prometheus'], 'the dashboard, asked of a real Prometheus that scrapes the service', () => {
  test('has data in each panel', async () => {
    const { prometheusUrl } = await scrapedService();
    const hasData = async (expr: string): Promise<boolean> => {
      const query = expr.replaceAll('$__rate_interval', '1m');
      const answer = await fetch(`${prometheusUrl}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
      const { status, data } = (await answer.json()) as {
        status: string;
        data?: { result: { value: [number, string] }[] };
      };
      expect([query, status]).toEqual([query, 'success']);
      return (data?.result ?? []).some(({ value }) => value[1] !== 'NaN');
    };
    expect(QUERIES.length).toBeGreaterThan(20);
    await eventually(async () => {
      const without = [];
      for (const [title, expr] of QUERIES) if (!(await hasData(expr))) without.push([title, expr]);
      expect(without).toEqual([]);
    });
  });
});

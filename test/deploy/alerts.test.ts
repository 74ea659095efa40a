import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';

import { findOnPath } from '../../dev/servers/redis.js';
import { createTelemetry } from '../../src/telemetry.js';
import { plain, tablesOf } from '../support/markdown.js';
import { describeWith } from '../support/servers.js';
import { sourceOf } from '../support/source-tree.js';

const FILE = 'deploy/prometheus/tocsin-alerts.yaml';
const TEXT = sourceOf(FILE);

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
const { groups } = parse(TEXT) as { groups: { rules: Rule[] }[] };
const RULES = groups.flatMap(({ rules }) => rules);

/** Series as Prometheus' unit tests write them. */
type Series = Readonly<Record<string, string>>;

/** Two hours of a value in each minute. */
const always = (value: string | number): string => `${value}x120`;
const PROCESS = 'job="tocsin",instance="a:9043"';

const NOTIFIER = 'tocsin_build_info{version="1.0.0",roles="api+evaluator+notifier",instance="a:9043"}';

/** An installation in which all is well, and what differs from it for each alert. */
const WELL: Series = {
  [`up{${PROCESS}}`]: always(1),
  tocsin_oldest_evaluation_age_seconds: always(61),
  [`tocsin_partitions_owned{${PROCESS}}`]: always(256),
  [`tocsin_partitions_loaded{${PROCESS}}`]: always(256),
  [`tocsin_evaluator_behind_seconds{${PROCESS}}`]: always(0),
  'tocsin_backend_up{datasource="gnocchi",backend=""}': always(1),
  tocsin_evaluation_failures_total: always(3),
  'tocsin_transitions_fenced_total{reason="epoch"}': always(5),
  'tocsin_transitions_fenced_total{reason="version"}': '0+1x120',
  tocsin_outbox_oldest_due_age_seconds: always(2),
  tocsin_dead_notifications: always(4),
  'tocsin_coordination_mode{mode="redis"}': always(1),
  'tocsin_coordination_mode{mode="database"}': always(0),
  'tocsin_api_requests_total{method="GET",status="200"}': '0+9x120',
  'tocsin_api_requests_total{method="GET",status="503"}': always(7),
  tocsin_audit_entries_lost_total: always(1),
  [`nodejs_eventloop_lag_p99_seconds{${PROCESS}}`]: always(0.02),
  [`tocsin_certificate_expiry_timestamp_seconds{${PROCESS},listener="api"}`]: always(30 * 86_400),
  tocsin_api_keys_expiring: always(0),
  [NOTIFIER]: always(1),
};

const TROUBLE: Readonly<Record<string, Series>> = {
  TocsinProcessDown: { [`up{${PROCESS}}`]: always(0) },
  TocsinNotEvaluating: { tocsin_oldest_evaluation_age_seconds: always(181) },
  TocsinPartitionsWithoutEvaluator: { [`tocsin_partitions_owned{${PROCESS}}`]: always(255) },
  TocsinPartitionsNotLoaded: { [`tocsin_partitions_loaded{${PROCESS}}`]: always(250) },
  TocsinEvaluatorBehind: { [`tocsin_evaluator_behind_seconds{${PROCESS}}`]: always(61) },
  TocsinBackendDown: { 'tocsin_backend_up{datasource="gnocchi",backend=""}': always(0) },
  TocsinAlarmsFail: { tocsin_evaluation_failures_total: '3+1x120' },
  TocsinResultsRefused: { 'tocsin_transitions_fenced_total{reason="epoch"}': '5+1x120' },
  TocsinNotDelivering: { tocsin_outbox_oldest_due_age_seconds: always(61) },
  TocsinWithoutNotifier: { [NOTIFIER]: '_x120' },
  TocsinNotificationsGivenUp: { tocsin_dead_notifications: '4x64 5x56' },
  TocsinRedisUnavailable: { 'tocsin_coordination_mode{mode="database"}': always(1) },
  TocsinApiFails: { 'tocsin_api_requests_total{method="GET",status="503"}': '7+1x120' },
  TocsinAuditEntriesLost: { tocsin_audit_entries_lost_total: '1x40 2x80' },
  TocsinProcessLacksCpu: { [`nodejs_eventloop_lag_p99_seconds{${PROCESS}}`]: always(0.3) },
  TocsinCertificateEnds: {
    [`tocsin_certificate_expiry_timestamp_seconds{${PROCESS},listener="api"}`]: always(13 * 86_400),
  },
  TocsinApiKeysEnd: { tocsin_api_keys_expiring: always(2) },
  TocsinVersionsDiffer: { 'tocsin_build_info{version="1.1.0",roles="api",instance="b:9043"}': always(1) },
};
/** In an installation whose evaluators are all gone, no process has this metric. */
const NO_EVALUATOR = `tocsin_partitions_owned{${PROCESS}}`;

function seriesOf(series: Series): { series: string; values: string }[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }));
}

test('each alert has an example of its trouble, and a row in docs/metrics.md', () => {
  const [table] = tablesOf(sourceOf('docs/metrics.md')).filter(({ columns }) => columns[0] === 'alert');
  const names = RULES.map(({ alert }) => alert);
  expect(Object.keys(TROUBLE)).toEqual(names);
  expect(table?.rows.map(([name = '']) => plain(name))).toEqual(names);
});

test('each alert has a severity, a summary and a description', () => {
  const incomplete = RULES.filter(
    ({ labels, annotations }) =>
      !['warning', 'critical'].includes(labels['severity'] ?? '') ||
      !annotations['summary'] ||
      !annotations['description'],
  );
  expect(incomplete).toEqual([]);
});

test('each alert has its own heading in docs/operations.md, to which its annotation runbook points', () => {
  const headings = [...sourceOf('docs/operations.md').matchAll(/^### (Tocsin\w+)$/gm)].map(([, name = '']) => name);
  expect(headings).toEqual(RULES.map(({ alert }) => alert));
  for (const { alert, annotations } of RULES)
    expect([alert, annotations['runbook']]).toEqual([alert, `docs/operations.md#${alert.toLowerCase()}`]);
});

test('no alert names a metric that the program does not have', () => {
  const known = new Set(
    createTelemetry()
      .registry.getMetricsAsArray()
      .map(({ name }) => name),
  );
  const named = RULES.flatMap(({ expr }) => [...expr.matchAll(/\b(?:tocsin|nodejs)_\w+/g)].map(([name]) => name));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(RULES.length - 2);
});

describeWith(['prometheus'], 'the alerts, by the tool of Prometheus', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
    chmodSync(dir, 0o755);
    writeFileSync(path.join(dir, 'rules.yaml'), TEXT);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const promtool = (...args: string[]): { status: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(findOnPath('promtool') ?? 'promtool', args, {
      encoding: 'utf8',
      cwd: dir,
    });
    return { status, output: stdout + stderr };
  };

  /** The alerts that fire an hour and ten minutes after the start. */
  function firing(series: Series): string[] {
    const expected = RULES.map(({ alert }) => ({ eval_time: '70m', alertname: alert, exp_alerts: [] }));
    const tests = [{ interval: '1m', input_series: seriesOf(series), alert_rule_test: expected }];
    const file = path.join(dir, 'tests.yaml');
    writeFileSync(file, JSON.stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }));
    const { status, output } = promtool('test', 'rules', file);
    const found = [...output.matchAll(/alertname: ?(\w+)/g)].map(([, name = '']) => name);
    expect([status, found.length > 0]).toEqual([found.length > 0 ? 1 : 0, found.length > 0]);
    return found;
  }

  test('are valid', () => {
    expect(promtool('check', 'rules', 'rules.yaml')).toMatchObject({ status: 0 });
  });

  test('do not fire while all is well', () => {
    expect(firing(WELL)).toEqual([]);
  });

  test.each(Object.entries(TROUBLE))('%s fires at its trouble, and no other alert does', (alert, trouble) => {
    expect(firing({ ...WELL, ...trouble })).toEqual([alert]);
  });

  test('an installation without an evaluator has partitions without one', () => {
    const { [NO_EVALUATOR]: _, ...series } = WELL;
    expect(firing(series)).toEqual(['TocsinPartitionsWithoutEvaluator']);
  });
});

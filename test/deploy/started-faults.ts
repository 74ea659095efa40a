import { expect } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';

import { createSystemClock } from '../../src/clock.js';
import { ask } from '../support/api.js';
import { makeCertificates } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { startPrometheus } from '../support/prometheus.js';
import { startReceiver } from '../support/receiver-server.js';
import { startPrivatePostgres, startRedis } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';

/** An installation that a Prometheus scrapes, whose alerts it evaluates. The same Prometheus is its backend. */
export interface ScrapedInstallation {
  /** Names of the alerts that fire. */
  firing(): Promise<string[]>;
  api: ServiceProcess;
  evaluator: ServiceProcess;
  secondEvaluator?: ServiceProcess;
  notifier: ServiceProcess;
  /** Starts another evaluator, whose metrics are at the address of the notifier: end that one before. */
  startSecondEvaluator(): void;
  stopPostgres(): Promise<void>;
  stopRedis(): Promise<void>;
  /** What lies between the evaluator and its backend. It can be changed at any time. */
  backend: { delayMs: number; isDown: boolean };
  /** Has the metrics of a process of an older release scraped, too. */
  addOlderRelease(): void;
  /** Executes SQL as an operator would by psql. */
  sql(text: string, parameters?: readonly unknown[]): Promise<unknown[]>;
  /** A transaction that has executed this statement and stays open until the returned function is called. */
  hold(text: string): Promise<() => Promise<void>>;
  /** Creates an alarm on this PromQL expression, which goes to `alarm` while its value is above 0. */
  createAlarm(query: string, actions?: readonly string[]): Promise<void>;
  /** Status of a read of the API. */
  read(): Promise<number>;
  /** The URL of a receiver that takes connections and never answers. */
  silentReceiver(): Promise<string>;
  stop(): Promise<void>;
}

/** Short times, so that a fault shows soon. `INTERVAL_S` is that of evaluations. */
export const INTERVAL_S = 2;
const SETTINGS = {
  EVALUATOR_INTERVAL: `${INTERVAL_S}s`,
  EVALUATOR_LEASE: '4s',
  EVALUATOR_HEARTBEAT: '500ms',
  EVALUATOR_DEADLINE: '4s',
  // One attempt. New hosts share a quarter of the connections: one.
  NOTIFIER_RETRY_SCHEDULE: '0s',
  NOTIFIER_CONCURRENCY: '4',
  NOTIFIER_ATTEMPT_TIMEOUT: '200s',
  NOTIFIER_CLAIM: '220s',
  PROMETHEUS_TENANCY: 'none',
  LOG_LEVEL: 'warn',
};
const OLDER_RELEASE = '# TYPE tocsin_build_info gauge\ntocsin_build_info{version="0.0.1",roles="api"} 1\n';
const clock = createSystemClock();

/** Starts the installation: an API process with TLS, an evaluator and a notifier, each with a port for metrics. */
export async function startScrapedInstallation(rules: string): Promise<ScrapedInstallation> {
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await start(rules, undo, stop);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function start(rules: string, undo: (() => unknown)[], stop: () => Promise<void>): Promise<ScrapedInstallation> {
  const [postgres, redis] = await Promise.all([startPrivatePostgres(), startRedis()]);
  undo.push(
    () => postgres.stop(),
    () => redis.stop(),
  );
  const older = { metrics: '' };
  const olderRelease = await startReceiver((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(older.metrics);
  });
  undo.push(() => olderRelease.close());
  const ports = { api: await freePort(), evaluator: await freePort(), notifier: await freePort() };
  const targets = [...Object.values(ports).map((port) => `127.0.0.1:${port}`), new URL(olderRelease.url).host];
  const prometheus = await startPrometheus({ targets, job: 'tocsin', rules });
  undo.push(() => prometheus.stop());
  const backend = { delayMs: 0, isDown: false };
  const between = await startReceiver(({ method, target, headers, body }, response) => {
    if (backend.isDown) return void response.destroy();
    const type = headers['content-type'];
    const content = method === 'POST' ? { body, headers: { 'content-type': type ?? '' } } : {};
    void clock
      .sleep(backend.delayMs)
      .then(() => fetch(`${prometheus.url}${target}`, { method, ...content }))
      .then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      })
      .catch(() => void response.destroy());
  });
  undo.push(() => between.close());
  const started = (settings: Record<string, string>): ServiceProcess => {
    const stores = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, PROMETHEUS_URL: between.url };
    const service = startService({ ...SETTINGS, ...stores, ...settings });
    undo.push(() => service.kill());
    return service;
  };
  const startRole = (name: 'evaluator' | 'notifier', at = name): ServiceProcess =>
    started({ ROLES: name, MANAGEMENT_PORT: String(ports[at]) });

  const { server: certificate, ca } = makeCertificates();
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-test-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const files = { cert: path.join(dir, 'server.crt'), key: path.join(dir, 'server.key') };
  writeFileSync(files.cert, certificate.cert);
  writeFileSync(files.key, certificate.key);
  const apiPort = await freePort();
  const url = `https://127.0.0.1:${apiPort}`;
  const api = started({
    ROLES: 'api',
    API_PORT: String(apiPort),
    API_TLS_CERT_FILE: files.cert,
    API_TLS_KEY_FILE: files.key,
    MANAGEMENT_PORT: String(ports.api),
  });
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${ports.api}/readyz`)).status).toBe(200));
  const client = async (): Promise<pg.Client> => {
    const connection = new pg.Client({ connectionString: postgres.url });
    connection.on('error', () => undefined);
    await connection.connect();
    return connection;
  };
  const sql: ScrapedInstallation['sql'] = async (text, parameters = []) => {
    const connection = await client();
    try {
      return (await connection.query(text, [...parameters])).rows as unknown[];
    } finally {
      await connection.end();
    }
  };
  // Evaluators count keys that end soon when they start.
  await sql(
    `insert into api_keys (id, secret_hash, project_id, user_id, role, created_by, created_at, expires_at)
     values ('k', repeat('ab', 32), 'p', 'u', 'member', 'admin', now() - interval '60 days',
             now() + interval '5 days')`,
  );
  const installation: ScrapedInstallation = {
    api,
    evaluator: startRole('evaluator'),
    notifier: startRole('notifier'),
    startSecondEvaluator: () => void (installation.secondEvaluator = startRole('evaluator', 'notifier')),
    stopPostgres: () => postgres.stop(),
    stopRedis: () => redis.stop(),
    backend,
    addOlderRelease: () => void (older.metrics = OLDER_RELEASE),
    sql,
    async firing() {
      const answer = await fetch(`${prometheus.url}/api/v1/alerts`);
      const { data } = (await answer.json()) as {
        data: { alerts: { state: string; labels: { alertname: string } }[] };
      };
      const names = data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
      return [...new Set(names)].sort();
    },
    async hold(text) {
      const connection = await client();
      await connection.query('begin');
      await connection.query(text);
      return () => connection.end();
    },
    async createAlarm(query, actions = []) {
      const { status, text } = await ask('POST', `${url}/v2/alarms`, {
        tls: { ca },
        body: {
          name: query,
          type: 'prometheus',
          alarm_actions: actions,
          prometheus_rule: { query, threshold: 0, comparison_operator: 'gt', granularity: 1 },
        },
      });
      expect([status, text]).toEqual([201, expect.any(String)]);
    },
    read: async () => (await ask('GET', `${url}/v2/alarms`, { tls: { ca } })).status,
    async silentReceiver() {
      const receiver = await startReceiver(() => undefined);
      undo.push(() => receiver.close());
      return `${receiver.url}/`;
    },
    stop,
  };
  return installation;
}

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import {
  startLocalProcess,
  unprivilegedAccount,
  type Account,
  type LocalProcess,
  type LocalProcessOptions,
} from '../../dev/servers/local-process.js';
import { findOnPath, type LocalServer } from '../../dev/servers/redis.js';
import { PROMETHEUS } from './peer-programs.js';
import { inTemporaryFolder } from './running-servers.js';

export interface StoredSeries {
  metric: string;
  labels?: Readonly<Record<string, string>>;
  /** When, in milliseconds since the epoch, and what; in any order. */
  points: readonly (readonly [at: number, value: number])[];
}

export interface StartPrometheusOptions {
  /** What it holds from the start. */
  series?: readonly StoredSeries[];
  /** `host:port` of a target that it scrapes each second, at `/metrics`; it begins within some five seconds. */
  targets?: readonly string[];
  /** Name of the job that scrapes them; `test` if it is absent. */
  job?: string;
  /** Text of a file with rules, which it evaluates each second. */
  rules?: string;
  /** How long a value counts when no newer one follows; Prometheus' own default is `5m`. */
  lookback?: string;
  /** More of its flags. */
  flags?: readonly string[];
}

/** It may be killed by a test, and come back. */
export interface RealPrometheus extends LocalServer {
  /** Of the process that it is just now. */
  signal(name: NodeJS.Signals): void;
  /** Ends it at once, as a crash would. What it holds stays. */
  kill(): Promise<void>;
  /** On the same port, with what it held. */
  restart(): Promise<void>;
}

const START_TIMEOUT_MS = 180_000;
const STOP = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;

/**
 * A real Prometheus on loopback, in about a second. Its answers about the moments of `series` are exact: nothing is
 * scraped, computed or thrown away meanwhile. Needs the kind `prometheus` of `describeWith`.
 */
export function startPrometheus(options: StartPrometheusOptions = {}): Promise<RealPrometheus> {
  const { series = [], targets = [], job = 'test', rules = '', lookback = '5m', flags = [] } = options;
  return inTemporaryFolder(async (dir): Promise<RealPrometheus> => {
    const account = unprivilegedAccount('prometheus');
    const data = path.join(dir, 'data');
    mkdirSync(data, { mode: 0o700 });
    const at = (name: string): string => path.join(dir, name);
    const files = { metrics: at('metrics.txt'), rules: at('rules.yml'), config: at('prometheus.yml') };
    writeFileSync(files.metrics, openMetrics(series));
    writeFileSync(files.rules, rules);
    writeFileSync(files.config, JSON.stringify(configuration(targets, job, rules === '' ? [] : [files.rules])));
    if (account) for (const each of [dir, data, ...Object.values(files)]) chownSync(each, account.uid, account.gid);
    if (series.length > 0) createBlocks(files.metrics, data, account);
    const start = (port: number): Promise<Started> =>
      startOn(port, {
        name: 'prometheus',
        command: PROMETHEUS.find() ?? 'prometheus',
        args: [
          `--config.file=${files.config}`,
          `--storage.tsdb.path=${data}`,
          '--storage.tsdb.retention.time=100y',
          `--query.lookback-delta=${lookback}`,
          ...flags,
        ],
        logFile: path.join(dir, 'prometheus.log'),
        account,
      });
    const { port, ...first } = await start(0);
    let { server } = first;
    return {
      url: `http://127.0.0.1:${port}`,
      port,
      pid: server.pid,
      signal: (name) => void process.kill(server.pid, name),
      kill: () => server.stop([{ signal: 'SIGKILL', waitMs: 5_000 }]),
      restart: async () => void ({ server } = await start(port)),
      stop: () => server.stop(STOP),
    };
  });
}

interface Started {
  server: LocalProcess;
  port: number;
}

/** Port 0: any free one. */
async function startOn(port: number, options: LocalProcessOptions): Promise<Started> {
  const server = await startLocalProcess({
    ...options,
    args: [...options.args, `--web.listen-address=127.0.0.1:${port}`],
  });
  try {
    let log = '';
    await server.untilReady(
      (logged) => (log = logged).includes('Server is ready to receive web requests'),
      START_TIMEOUT_MS,
    );
    return { server, port: Number(/msg="Listening on" address=127\.0\.0\.1:(\d+)/.exec(log)?.[1]) };
  } catch (cause) {
    await server.stop(STOP);
    throw cause;
  }
}

function createBlocks(file: string, data: string, account: Account | undefined): void {
  const command = findOnPath('promtool') ?? 'promtool';
  const made = spawnSync(command, ['tsdb', 'create-blocks-from', 'openmetrics', '-q', file, data], {
    encoding: 'utf8',
    cwd: '/',
    ...(account ?? {}),
  });
  if (made.status !== 0) throw new Error(`promtool: ${made.error?.message ?? made.stderr}`);
}

function openMetrics(series: readonly StoredSeries[]): string {
  const lines = series.flatMap(({ metric, labels = {}, points }) => {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}=${quoted(value)}`);
    const name = `${metric}{${pairs.join(',')}}`;
    return [...points]
      .sort(([a], [b]) => a - b)
      .map(([at, value]) => `${name} ${number(value)} ${(at / 1000).toFixed(3)}`);
  });
  return [...lines, '# EOF', ''].join('\n');
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

/** YAML, of which JSON is a part. */
function configuration(targets: readonly string[], job: string, ruleFiles: readonly string[]): unknown {
  if (targets.length === 0) return {};
  const everySecond = { scrape_interval: '1s', scrape_timeout: '1s' };
  // Labels stay as they are scraped; otherwise `instance` would be the target's.
  return {
    global: { evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: job, honor_labels: true, ...everySecond, static_configs: [{ targets }] }],
  };
}

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { freePort, startLocalProcess } from '../../dev/servers/local-process.js';
import { PROMETHEUS } from '../../test/support/peer-programs.js';
import { remoteWrite, type WrittenSeries } from '../../test/support/remote-write.js';

/** A Prometheus on loopback without targets. Its data comes by remote write. */
export interface BenchPrometheus {
  url: string;
  pid: number;
  write(series: readonly WrittenSeries[]): Promise<void>;
  /** Loads these expressions as alerting rules, which are evaluated one after another every `everyS` seconds. */
  evaluateRules(expressions: readonly string[], everyS: number): Promise<void>;
  /** Number of evaluations of all rules so far. */
  ruleRounds(): Promise<number>;
  /** Duration of the last evaluation of all rules, in seconds. */
  lastRoundS(): Promise<number>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** Starts a Prometheus with its data in `dir`. */
export async function startBenchPrometheus(dir: string): Promise<BenchPrometheus> {
  mkdirSync(dir, { recursive: true });
  const configuration = path.join(dir, 'prometheus.yml');
  const rules = path.join(dir, 'rules.yml');
  writeFileSync(configuration, `rule_files: [${rules}]\n`);
  writeFileSync(rules, 'groups: []\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startLocalProcess({
    name: 'prometheus',
    command: PROMETHEUS.find() ?? 'prometheus',
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${path.join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
      '--web.enable-remote-write-receiver',
    ],
    logFile: path.join(dir, 'prometheus.log'),
  });
  await server.untilReady((logged) => logged.includes('Server is ready to receive web requests'), START_TIMEOUT_MS);
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  return {
    url,
    pid: server.pid,
    write: (series) => remoteWrite(url, series),
    async evaluateRules(expressions, everyS) {
      const lines = expressions.map(
        (expression, n) => `  - alert: Alarm${n}\n    expr: ${JSON.stringify(expression)}\n`,
      );
      writeFileSync(rules, `groups:\n- name: bench\n  interval: ${everyS}s\n  rules:\n${lines.join('')}`);
      const response = await fetch(`${url}/-/reload`, { method: 'POST' });
      if (!response.ok) throw new Error(`reload: ${response.status} ${await response.text()}`);
    },
    ruleRounds: () => metric('prometheus_rule_group_iterations_total'),
    lastRoundS: () => metric('prometheus_rule_group_last_duration_seconds'),
    async stop() {
      await server.stop([
        { signal: 'SIGTERM', waitMs: 10_000 },
        { signal: 'SIGKILL', waitMs: 2_000 },
      ]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

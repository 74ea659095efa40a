import type { ReadinessCheck } from '../ports.js';
import type { ApiAnswer, Route } from '../route.js';

export interface HealthDeps {
  /** How requests are authenticated, for operators to see. */
  auth: string;
  readiness: () => Promise<ReadinessCheck[]>;
  /** Our own figures in Prometheus' text format. */
  metrics: () => Promise<string>;
}

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

export function healthRoutes({ auth, readiness }: Pick<HealthDeps, 'auth' | 'readiness'>): Route[] {
  return [
    { method: 'GET', path: '/livez', policy: 'public', handle: () => ({ status: 200, body: { status: 'alive' } }) },
    { method: 'GET', path: '/readyz', policy: 'public', handle: async () => readinessAnswer(await readiness(), auth) },
    {
      method: 'GET',
      path: '/healthcheck',
      policy: 'public',
      handle: () => ({ status: 200, text: { contentType: 'text/plain', content: '' } }),
    },
  ];
}

export function metricsRoutes({ metrics }: Pick<HealthDeps, 'metrics'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      policy: 'public',
      handle: async () => ({ status: 200, text: { contentType: PROMETHEUS_TEXT, content: await metrics() } }),
    },
  ];
}

function readinessAnswer(checks: readonly ReadinessCheck[], auth: string): ApiAnswer {
  const ready = checks.every(({ ok }) => ok);
  return {
    status: ready ? 200 : 503,
    body: {
      status: ready ? 'ready' : 'not ready',
      auth,
      checks: checks.map(({ name, ok, detail }) => ({ name, ok, detail })),
    },
  };
}

import type { ReadinessCheck } from '../ports.js';
import type { Route } from '../route.js';

export interface HealthRoutesDeps {
  readiness: () => Promise<ReadinessCheck[]>;
  /** Our own figures in Prometheus' text format; undefined where everybody could read them. */
  metrics: (() => Promise<{ contentType: string; content: string }>) | undefined;
}

/** What supervisors, load balancers and Prometheus ask. The same on the API's listener and on the management listener. */
export function healthRoutes({ readiness, metrics }: HealthRoutesDeps): Route[] {
  return [
    { method: 'GET', path: '/livez', policy: 'public', handle: () => ({ status: 200, body: { ok: true } }) },
    {
      method: 'GET',
      path: '/readyz',
      policy: 'public',
      handle: async () => {
        const checks = await readiness();
        const ok = checks.every((check) => check.ok);
        return { status: ok ? 200 : 503, body: { ok, checks: checks.map((check) => ({ ...check })) } };
      },
    },
    {
      method: 'GET',
      path: '/healthcheck',
      policy: 'public',
      handle: () => ({ status: 200, text: { contentType: 'text/plain; charset=UTF-8', content: '' } }),
    },
    ...(metrics
      ? [
          {
            method: 'GET',
            path: '/metrics',
            policy: 'public',
            handle: async () => ({ status: 200, text: await metrics() }),
          } as const,
        ]
      : []),
  ];
}

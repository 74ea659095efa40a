import { readinessAnswer, type LivenessAnswer } from '../answers/service-answer.js';
import type { ReadinessCheck } from '../ports.js';
import type { Route } from '../http/route.js';

export interface HealthRoutesDeps {
  readiness: () => Promise<ReadinessCheck[]>;
  /** Metrics of this process in Prometheus' text format; undefined on listeners that tenants can reach. */
  metrics: (() => Promise<{ contentType: string; content: string }>) | undefined;
}

/** Routes for supervisors, load balancers and Prometheus, on the API's listener and on the management listener. */
export function healthRoutes({ readiness, metrics }: HealthRoutesDeps): Route[] {
  // Health probes add parameters against caches or for details. An unknown one must not make the process unhealthy.
  const probe = { method: 'GET', policy: 'public', audit: null, ignoresOtherQuery: true } as const;
  return [
    { ...probe, path: '/livez', handle: () => ({ status: 200, body: { ok: true } satisfies LivenessAnswer }) },
    {
      ...probe,
      path: '/readyz',
      handle: async () => {
        const body = readinessAnswer(await readiness());
        return { status: body.ok ? 200 : 503, body };
      },
    },
    {
      ...probe,
      path: '/healthcheck',
      handle: () => ({ status: 200, text: { contentType: 'text/plain; charset=UTF-8', content: '' } }),
    },
    ...(metrics
      ? [
          {
            ...probe,
            path: '/metrics',
            handle: async () => ({ status: 200, text: await metrics() }),
          } as const,
        ]
      : []),
  ];
}

import { clusterAnswer } from '../answers/cluster-answer.js';
import type { Route } from '../http/route.js';
import type { Cluster } from '../ports.js';

export interface ClusterRoutesDeps {
  cluster: Cluster;
  now: () => Date;
}

/** `/v1/cluster`: processes, partitions, backends and backlog, for admins of all projects. */
export function clusterRoutes({ cluster, now }: ClusterRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/cluster',
      policy: 'admin',
      audit: 'cluster.read',
      handle: async () => ({ status: 200, body: clusterAnswer(await cluster.read(now())) }),
    },
  ];
}

import { MALFORMED, type RequestResult, type GnocchiRequester } from './requester.js';
import { chunksOf } from './chunks.js';
import type { StaggeredCache } from '../../../cache/staggered-cache.js';
import type { FoundMetric, FoundResource } from '../client/gnocchi-client.js';
import { mayRead, type Owned } from '../project-scope.js';

/** The owner of a metric: the project that created it, and the resource that it belongs to. */
export interface MetricOwner {
  createdBy: string | null;
  resource: Owned | null;
}

/** Owners of metrics, by the id of the metric. */
export type MetricOwnerCache = StaggeredCache<MetricOwner>;

/** Gnocchi's usual size of a page. */
const MAX_RESOURCES = 500;

/** True if the project may read a metric with this owner. */
export function isVisible(
  project: string,
  { createdBy, resource }: MetricOwner,
  externalOwner: string | null,
): boolean {
  return (createdBy === project && project !== '') || (resource !== null && mayRead(project, resource, externalOwner));
}

/** Caches the owners of metrics that Gnocchi described in an answer, after one search for all their resources. */
export async function cacheOwners(
  found: readonly FoundMetric[],
  owners: MetricOwnerCache,
  requester: GnocchiRequester,
): Promise<void> {
  const byResource = new Map<string, FoundMetric[]>();
  for (const metric of found) {
    if (metric.resource_id) byResource.set(metric.resource_id, [...(byResource.get(metric.resource_id) ?? []), metric]);
    else owners.set(metric.id, ownerOf(metric, metric.resource ?? null));
  }
  await Promise.all(
    chunksOf([...byResource.keys()], MAX_RESOURCES).map(async (ids) => {
      const attributes = ['id', 'project_id', 'created_by_project_id'];
      const result = await requester.request((client, options) =>
        client.searchResources({ in: { id: ids } }, attributes, options),
      );
      if (result.kind !== 'answer') return; // `ownerOfMetric` looks each up, and reports the failure
      for (const resource of result.value) {
        for (const metric of byResource.get(resource.id) ?? []) owners.set(metric.id, ownerOf(metric, resource));
      }
    }),
  );
}

/**
 * The owner of a metric, from the cache or from Gnocchi; null if there is no such metric. That is not cached, since the
 * metric may be created at any time.
 */
export async function ownerOfMetric(
  id: string,
  owners: MetricOwnerCache,
  requester: GnocchiRequester,
): Promise<RequestResult<MetricOwner | null>> {
  const known = owners.get(id);
  if (known !== undefined) return { kind: 'answer', value: known };
  const result = await requester.request((client, options) => client.metricOwner(id, options));
  if (result.kind === 'refusal') return result.status === 404 ? { kind: 'answer', value: null } : result;
  if (result.kind !== 'answer') return result;
  const { resource, resource_id } = result.value;
  // Without its resource the owner of the metric is unknown.
  if (resource === undefined && resource_id) return MALFORMED;
  const owner = ownerOf(result.value, resource ?? null);
  owners.set(id, owner);
  return { kind: 'answer', value: owner };
}

function ownerOf({ created_by_project_id }: FoundMetric, resource: FoundResource | null): MetricOwner {
  return { createdBy: created_by_project_id ?? null, resource };
}

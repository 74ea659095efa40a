import { MALFORMED, type RequestResult, type GnocchiRequester } from './requester.js';
import { chunksOf } from './chunks.js';
import type { ExpiringMap } from '../../../cache/bounded-map.js';
import type { FoundMetric, FoundResource } from '../client/gnocchi-client.js';
import { mayRead, type Owned } from '../project-scope.js';

/** Whose a metric is: who created it, and the resource that it belongs to. */
export interface MetricOwner {
  createdBy: string | null;
  resource: Owned | null;
}

export type MetricOwnerCache = ExpiringMap<MetricOwner>;

/** As many as Gnocchi usually gives on one page. */
const MAX_RESOURCES = 500;

export function isVisible(
  project: string,
  { createdBy, resource }: MetricOwner,
  externalOwner: string | null,
): boolean {
  return (createdBy === project && project !== '') || (resource !== null && mayRead(project, resource, externalOwner));
}

/**
 * Learns the owners of metrics that Gnocchi described while it answered about them, in one search for all their
 * resources.
 */
export async function learnOwners(
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
      const asked = await requester.request((client, options) =>
        client.searchResources({ in: { id: ids } }, attributes, options),
      );
      if (asked.kind !== 'answer') return; // whoever needs them asks one by one, and hears why not
      for (const resource of asked.value) {
        for (const metric of byResource.get(resource.id) ?? []) owners.set(metric.id, ownerOf(metric, resource));
      }
    }),
  );
}

/** Whose one metric is, from what was learnt or by context. Null: there is no such metric; one may come at any time. */
export async function ownerOfMetric(
  id: string,
  owners: MetricOwnerCache,
  requester: GnocchiRequester,
): Promise<RequestResult<MetricOwner | null>> {
  const known = owners.get(id);
  if (known !== undefined) return { kind: 'answer', value: known };
  const asked = await requester.request((client, options) => client.metricOwner(id, options));
  if (asked.kind === 'refusal') return asked.status === 404 ? { kind: 'answer', value: null } : asked;
  if (asked.kind !== 'answer') return asked;
  const { resource, resource_id } = asked.value;
  // Without its resource it cannot be said whose the metric is.
  if (resource === undefined && resource_id) return MALFORMED;
  const owner = ownerOf(asked.value, resource ?? null);
  owners.set(id, owner);
  return { kind: 'answer', value: owner };
}

function ownerOf({ created_by_project_id }: FoundMetric, resource: FoundResource | null): MetricOwner {
  return { createdBy: created_by_project_id ?? null, resource };
}

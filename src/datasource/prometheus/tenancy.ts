import type { PrometheusQuery } from '../../alarm/series.js';
import { withEnforcedLabel } from './promql/enforce.js';

/** How Prometheus keeps projects apart. */
export type Tenancy =
  | { kind: 'label'; label: string }
  | { kind: 'header'; header: string; adminTenant: string | undefined }
  | { kind: 'none' };

/** Visible ASCII without the characters that separate tenants: `|`, and `,` between repeated headers. */
const TENANT = /^[!-+\--{}~]+$/;

type ScopedQuery = { promql: string; tenant: string | null } | { problem: string };

/** Limits a query to its project. Fails closed: a query that cannot be limited is not sent. */
export function scopedTo({ promql, project }: PrometheusQuery, tenancy: Tenancy): ScopedQuery {
  if (project === null) return { promql, tenant: tenancy.kind === 'header' ? (tenancy.adminTenant ?? null) : null };
  if (tenancy.kind === 'none') return { problem: 'prometheus.tenancy is none: only admins may use prometheus alarms' };
  // An empty value would match series that belong to no project.
  if (project === '') return { problem: 'the alarm has no project to keep the query to' };
  if (tenancy.kind === 'header') {
    return TENANT.test(project)
      ? { promql, tenant: project }
      : { problem: "the project's id cannot name a tenant of Prometheus" };
  }
  try {
    const enforced = withEnforcedLabel(promql, tenancy.label, project);
    return 'problem' in enforced ? enforced : { ...enforced, tenant: null };
  } catch {
    return { problem: 'the query cannot be kept to one project' };
  }
}

/** The tenant header of a request, if tenancy needs one. */
export function headersOf(tenant: string | null, tenancy: Tenancy): Record<string, string> {
  return tenancy.kind === 'header' && tenant !== null ? { [tenancy.header]: tenant } : {};
}

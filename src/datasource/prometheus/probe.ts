import type { PrometheusClient } from './prometheus-client.js';
import { parseAnswer } from './parse-answer.js';
import { headersOf, type Tenancy } from './tenancy.js';

/** A selector, so that the probe reaches the stores of the series too. */
const UNUSED_METRIC = 'tocsin_asks_whether_it_is_answered';

/** The health probe, and what it has to know of the queries that are sent. */
export interface PrometheusProbe {
  /** @throws BackendUnavailable */
  send(): Promise<void>;
  /** Records that this tenant has a query to send. */
  noteTenant(tenant: string | null): void;
  /** Records that a query of this tenant was answered. */
  noteAnswer(tenant: string | null): void;
}

/**
 * The health probe of Prometheus: an instant query for a series that does not exist. A partial answer is accepted: if
 * one store of several is unavailable, some queries still have answers.
 *
 * If a header names tenants, the probe is sent for the tenant that was answered last; that this tenant exceeds its rate
 * (429) is an answer. The failure may be the tenant's and not Prometheus', so after a failure the next probe is sent
 * for another tenant.
 */
export function createPrometheusProbe({
  client,
  tenancy,
}: {
  client: PrometheusClient;
  tenancy: Tenancy;
}): PrometheusProbe {
  /** The tenant that was answered last; undefined if unknown. */
  let answered: string | null | undefined = tenancy.kind === 'header' ? tenancy.adminTenant : null;
  /** The tenant of the next probe is the first one. */
  const tenants = new Set<string | null>();

  function nextTenant(): string | null {
    const [next = null] = tenants;
    if (tenants.delete(next)) tenants.add(next);
    return next;
  }

  return {
    async send() {
      const tenant = answered === undefined ? nextTenant() : answered;
      answered = undefined;
      const form = { query: UNUSED_METRIC };
      const request = { path: '/api/v1/query', form, headers: headersOf(tenant, tenancy) } as const;
      const response = await client.send(request);
      if (tenancy.kind !== 'header' || response.status !== 429) parseAnswer(response, 'vector');
      answered = tenant;
    },
    noteTenant: (tenant) => void tenants.add(tenant),
    noteAnswer: (tenant) => void (answered = tenant),
  };
}

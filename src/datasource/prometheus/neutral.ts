import type { Tenancy } from './plan-queries.js';
import type { PrometheusClient } from './prometheus-client.js';
import { outcomeOf } from './read-answer.js';

/** A selector, so that whatever keeps the series is asked too. */
const NOBODYS = 'tocsin_asks_whether_it_is_answered';

export interface NeutralQuestion {
  /** @throws BackendTrouble */
  ask(): Promise<void>;
  /** This tenant's question is about to be asked. */
  saw(tenant: string | null): void;
}

/**
 * Asks for a series that nobody has, as Prometheus' kin without a moment. Where a header names tenants it is asked in the name of the latest one: there,
 * that this tenant has asked too much (429) is an answer. A part of an answer will do: where one store of several is away, some questions have answers.
 */
export function createNeutralQuestion({ client, tenancy }: { client: PrometheusClient; tenancy: Tenancy }): NeutralQuestion {
  let latest: string | null = tenancy.kind === 'header' ? (tenancy.adminTenant ?? null) : null;
  return {
    async ask() {
      const headers = tenancy.kind === 'header' && latest !== null ? { [tenancy.header]: latest } : {};
      const request = { path: '/api/v1/query', form: { query: NOBODYS }, headers } as const;
      const response = await client.ask(request, new AbortController().signal);
      if (tenancy.kind === 'header' && response.status === 429) return;
      outcomeOf(response, 'vector');
    },
    saw(tenant) {
      if (tenancy.kind === 'header' && tenancy.adminTenant === undefined) latest = tenant;
    },
  };
}

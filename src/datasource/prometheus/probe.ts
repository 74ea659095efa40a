import type { Tenancy } from './plan-queries.js';
import type { PrometheusClient } from './prometheus-client.js';
import { parseAnswer } from './parse-answer.js';

/** A selector, so that whatever keeps the series is asked too. */
const UNUSED_METRIC = 'tocsin_asks_whether_it_is_answered';

export interface PrometheusProbe {
  /** @throws BackendUnavailable */
  send(): Promise<void>;
  /** This tenant has a question, which may have to wait. */
  noteTenant(tenant: string | null): void;
  /** This tenant's question was answered. */
  noteAnswer(tenant: string | null): void;
}

/**
 * Asks for a series that nobody has, as Prometheus' kin without a moment. A part of an answer will do: where one store
 * of several is away, some questions have answers.
 *
 * Where a header names tenants it is asked in the name of the one that was answered last; that this one has asked too
 * much (429) is an answer. As it may be the tenant that is to blame and not Prometheus, after a failure it is another's
 * turn.
 */
export function createPrometheusProbe({
  client,
  tenancy,
}: {
  client: PrometheusClient;
  tenancy: Tenancy;
}): PrometheusProbe {
  /** Undefined: not known. */
  let answered: string | null | undefined = tenancy.kind === 'header' ? tenancy.adminTenant : null;
  /** Whoever's turn is next stands first. */
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
      const headers = tenancy.kind === 'header' && tenant !== null ? { [tenancy.header]: tenant } : {};
      const request = { path: '/api/v1/query', form: { query: UNUSED_METRIC }, headers } as const;
      const response = await client.ask(request, new AbortController().signal);
      if (tenancy.kind !== 'header' || response.status !== 429) parseAnswer(response, 'vector');
      answered = tenant;
    },
    noteTenant: (tenant) => void tenants.add(tenant),
    noteAnswer: (tenant) => void (answered = tenant),
  };
}

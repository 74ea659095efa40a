import { z } from 'zod';

import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import { prometheus } from '../../alarm/types/prometheus/index.js';
import type { PrometheusRule } from '../../alarm/types/prometheus/schema.js';
import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import { jsonIn } from '../../http/json-answer.js';
import { reasonOf } from '../../http/backend-unavailable.js';
import { headersOf, scopedTo, type Tenancy } from './tenancy.js';
import type { PrometheusClient, PrometheusResponse } from './prometheus-client.js';
import { refusalDetail, type PrometheusRefusal } from './refusal-text.js';
import { prometheusRulesIn } from './rule-check.js';

export interface FormatCheckOptions {
  client: Pick<PrometheusClient, 'send'>;
  tenancy: Tenancy;
}

/** Most bytes of an answer that are read: longer than any error, and enough to see that a query was parsed. */
const MAX_BYTES = 64 * 1024;

/** The result of parsing a query at Prometheus. */
type Parsed = { kind: 'parsed' } | ({ kind: 'refused' } & PrometheusRefusal) | { kind: 'not checked'; reason: string };

/**
 * Has Prometheus parse the queries of a rule, as they will be sent (`/api/v1/format_query`, which runs nothing).
 * Resolves to the reason why a rule was not checked, such as `cannot check queries: it answered with status 404`;
 * undefined for a rule that was checked, and for rules that do not use Prometheus.
 * @throws AppError `invalid_request` for a query that Prometheus refuses.
 */
export function createFormatCheck(options: FormatCheckOptions): (rule: AlarmRule) => Promise<string | undefined> {
  return async (rule) => {
    for (const each of prometheusRulesIn(rule)) {
      const reason = await refuseUnparsable(each, options);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

/**
 * Queries that may not be sent at all are not checked: they are refused elsewhere, or the configuration has to change
 * first.
 */
async function refuseUnparsable(
  rule: PrometheusRule,
  { client, tenancy }: FormatCheckOptions,
): Promise<string | undefined> {
  const { query: written } = rule;
  const scoped = scopedTo({ promql: written, project: rule.scope_to_project }, tenancy);
  if ('problem' in scoped) return undefined;
  const { promql: sent, tenant } = scoped;
  const headers = headersOf(tenant, tenancy);
  const parsed = await parse(client, sent, headers);
  if (parsed.kind === 'refused') throw invalid(rule, `Prometheus says: ${refusalDetail(parsed, { written, sent })}`);
  if (parsed.kind === 'not checked') return parsed.reason;
  if (!isOverRange(rule)) return undefined;
  // Only an instant vector or a scalar can be negated, and a range query must be one of these.
  const negated = await parse(client, `-(${sent}\n)`, headers);
  if (negated.kind === 'refused') throw invalid(rule, TYPE_PROBLEM);
  return negated.kind === 'not checked' ? negated.reason : undefined;
}

const TYPE_PROBLEM = 'With granularity or evaluation_periods the query must give an instant vector or a scalar';

function isOverRange(rule: PrometheusRule): boolean {
  return prometheus.seriesNeeded(rule, NO_OPTIONS)[0]!.granularityS !== 0;
}

async function parse(
  client: Pick<PrometheusClient, 'send'>,
  query: string,
  headers: Record<string, string>,
): Promise<Parsed> {
  try {
    const request = { path: '/api/v1/format_query', form: { query }, headers, maxBytes: MAX_BYTES } as const;
    return parsedFrom(await client.send(request));
  } catch (thrown) {
    return { kind: 'not checked', reason: `cannot be asked: ${reasonOf(thrown)}` };
  }
}

const Success = z.object({ status: z.literal('success'), data: z.string() });
const BadData = z.object({ status: z.literal('error'), errorType: z.literal('bad_data'), error: z.string() });

/** Only `bad_data` is about the query: a server that does not know the path, or a proxy, may answer with any status. */
function parsedFrom({ status, text, isCutOff }: PrometheusResponse): Parsed {
  if (status === 200) {
    if (isCutOff || Success.safeParse(jsonIn(text)).success) return { kind: 'parsed' };
    return { kind: 'not checked', reason: 'cannot check queries: its answer is not of the form expected' };
  }
  const { data } = BadData.safeParse(jsonIn(text));
  if (status === 400 && data) return { kind: 'refused', status, type: data.errorType, message: data.error };
  return { kind: 'not checked', reason: `cannot check queries: it answered with status ${status}` };
}

function invalid(rule: PrometheusRule, problem: string): AppError {
  return new AppError(
    'invalid_request',
    `Invalid input for field/attribute query. Value: '${shownText(rule.query)}'. ${problem}`,
    { fieldIn: { part: rule, path: ['query'] } },
  );
}

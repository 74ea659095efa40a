import type { GnocchiAggregationByResourcesThresholdRule as ByResourcesRule } from '../../alarm/types/gnocchi-aggregation-by-resources-threshold/schema.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import type { Clock } from '../../clock.js';
import { AppError, UpstreamRefusal } from '../../errors.js';
import type { GnocchiAnswer } from './answer.js';
import type { GnocchiClient } from './gnocchi-client.js';
import { gnocchiRulesIn, type GnocchiRule } from './gnocchi-rules.js';
import { hourly } from './hourly.js';

/** Who wants the rule. */
export interface RuleAuthor {
  /** The author's own Keystone token, where there is one. */
  token?: string | undefined;
  isAdmin: boolean;
}

/**
 * Has Gnocchi look at a rule before it is stored: is its aggregation method one of Gnocchi's, can its search be run, and may its author see what
 * it names. Rules that ask Gnocchi nothing pass.
 * @throws AppError with Aodh's texts; `unavailable` when Gnocchi cannot be asked.
 */
export function createGnocchiRuleCheck({
  gnocchi,
  clock,
}: {
  gnocchi: GnocchiClient;
  clock: Pick<Clock, 'monotonicMs'>;
}): (rule: AlarmRule, author: RuleAuthor) => Promise<void> {
  const methods = hourly(clock, async () => known(await gnocchi.capabilities()));
  return async (rule, author) => {
    for (const each of gnocchiRulesIn(rule)) {
      refuseUnknownMethod(each, await methods());
      if (each.type === 'gnocchi_aggregation_by_resources_threshold') await tryOut(gnocchi, each);
      else await refuseInvisible(gnocchi, each, author);
    }
  };
}

/** Without its capabilities Gnocchi can judge nothing, whatever the reason, and never is it the author's fault. */
function known(answer: GnocchiAnswer<string[]>): string[] {
  if (answer.kind === 'answer') return answer.value;
  if (answer.kind === 'refusal' && answer.status !== 401) throw new UpstreamRefusal(503, answer.description);
  throw unavailable(answer);
}

function refuseUnknownMethod({ aggregation_method }: GnocchiRule, methods: readonly string[]): void {
  if (methods.includes(aggregation_method)) return;
  const list = methods.map((method) => `'${method}'`).join(', ');
  throw new AppError('invalid_request', `aggregation_method should be in [${list}] not ${aggregation_method}`);
}

/** Runs the rule's search over a day. A metric that nobody has yet is no fault: there may be one by the time the rule is evaluated. */
async function tryOut(gnocchi: GnocchiClient, rule: ByResourcesRule): Promise<void> {
  const stored = rule.aggregation_method.replace(/^rate:/, '');
  const answer = await gnocchi.aggregates({
    operations: ['aggregate', rule.aggregation_method, ['metric', rule.metric, stored]],
    search: { query: JSON.parse(rule.query), resourceType: rule.resource_type },
    start: '-1 day',
    stop: 'now',
    neededOverlap: 0,
  });
  if (answer.kind === 'answer' || (answer.kind === 'refusal' && isAboutAbsence(answer))) return;
  throw refused(answer);
}

/** Gnocchi before 4.5 says 400 for metrics that it does not find. */
function isAboutAbsence({ status, description }: Extract<GnocchiAnswer<unknown>, { kind: 'refusal' }>): boolean {
  if (status === 404) return true;
  const cause = typeof description === 'string' ? undefined : description['cause'];
  return status === 400 && typeof cause === 'string' && cause.includes('Metrics not found');
}

type Named = {
  field: 'resource_id' | 'metrics';
  id: string;
  ask: (id: string, token?: string) => Promise<GnocchiAnswer<{ id: string }>>;
};

/**
 * Alarms are evaluated with our own credentials, so whoever may name a resource or metric could read it through us. An author who is not an admin
 * may therefore name only what Gnocchi shows to the author too, and what does not exist: Aodh's clients create alarms before their metrics.
 *
 * It takes the author's own Keystone token, and a Gnocchi that understands it. Where there is none (another way of authentication, here or at
 * Gnocchi) nothing is refused here; then, as for whatever appears under an id later, it is the project's filter at evaluation that keeps others' data in.
 */
async function refuseInvisible(
  gnocchi: GnocchiClient,
  rule: Exclude<GnocchiRule, ByResourcesRule>,
  { token, isAdmin }: RuleAuthor,
): Promise<void> {
  if (isAdmin || token === undefined || !gnocchi.takesTokens) return;
  const named: Named[] =
    rule.type === 'gnocchi_resources_threshold'
      ? [{ field: 'resource_id', id: rule.resource_id, ask: gnocchi.resource }]
      : [...new Set(rule.metrics)].map((id) => ({ field: 'metrics', id, ask: gnocchi.metric }));
  await Promise.all(named.map((each) => refuseUnlessVisible(each, token)));
}

/**
 * We ask as ourselves first. That tells what an evaluator would find: nothing, or something under an id that is Gnocchi's own. Only the latter means
 * the same to everybody; any other id of a resource is a name that Gnocchi resolves differently for each who asks.
 */
async function refuseUnlessVisible({ field, id, ask }: Named, token: string): Promise<void> {
  const ours = await ask(id);
  if (ours.kind === 'refusal' && ours.status < 500 && ours.status !== 401) return; // what we cannot read, no alarm can
  if (ours.kind !== 'answer') throw refused(ours);
  const theirs = await ask(ours.value.id, token);
  if (theirs.kind === 'answer') return;
  if (theirs.kind === 'trouble') throw unavailable(theirs);
  if (theirs.status === 401) throw new AppError('not_authorized', 'Gnocchi does not accept your token');
  if (theirs.status !== 403 && theirs.status !== 404) throw refused(theirs);
  throw invalid(field, id, `${field === 'metrics' ? 'Metric' : 'Resource'} ${id} is not visible to you`);
}

type Failure = Exclude<GnocchiAnswer<unknown>, { kind: 'answer' }>;

/** As Aodh: Gnocchi's refusals with its own status and words. But when it does not know us, that is not the author's 401. */
function refused(failure: Failure): AppError {
  if (failure.kind === 'trouble' || failure.status === 401) return unavailable(failure);
  return new UpstreamRefusal(failure.status, failure.description);
}

function unavailable(failure: Failure): AppError {
  if (failure.kind === 'refusal') return new AppError('unavailable', 'Gnocchi does not accept the credentials of this service');
  return new AppError('unavailable', `Gnocchi cannot be asked: ${failure.reason}`, { cause: failure.cause });
}

function invalid(field: string, value: string, message: string): AppError {
  return new AppError('invalid_request', `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`);
}

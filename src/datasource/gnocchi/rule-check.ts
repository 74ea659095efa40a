import type { GnocchiAggregationByResourcesThresholdRule as ByResourcesRule } from '../../alarm/types/gnocchi-aggregation-by-resources-threshold/schema.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import { RawJson } from '../../alarm/wire/python-json.js';
import type { Clock } from '../../clock.js';
import { AppError, UpstreamRefusal, type AppErrorOptions, type BodyPath } from '../../errors.js';
import type { GnocchiAnswer } from './client/answer.js';
import { isTemporaryStatus } from '../../http/backend-unavailable.js';
import { probeGnocchi } from './queries/requester.js';
import { AnswerTooLarge, type GnocchiClient } from './client/gnocchi-client.js';
import { gnocchiRulesIn, type GnocchiRule } from './gnocchi-rules.js';
import { memoizeHourly } from '../../cache/memoize-hourly.js';
import { searchRequest } from './queries/search-queries.js';

/** The author of a rule. */
export interface AuthorAccess {
  /** The author's own Keystone token, if there is one. */
  token?: string | undefined;
  isAdmin: boolean;
}

/**
 * Checks a rule with Gnocchi before it is stored: that Gnocchi has its aggregation method, that its search can be run,
 * and that its author may see the resources and metrics that it names. Rules that do not use Gnocchi pass. Resolves to
 * the reason why a rule was not checked, such as `cannot be asked: connection refused`; undefined for a rule that was
 * checked.
 * @throws AppError with Aodh's texts; `unavailable` if the author's right to see a resource or metric cannot be
 * checked.
 */
export function createGnocchiRuleCheck({
  gnocchi,
  clock,
}: {
  gnocchi: GnocchiClient;
  clock: Pick<Clock, 'monotonicMs'>;
}): (rule: AlarmRule, author: AuthorAccess) => Promise<string | undefined> {
  const methods = memoizeHourly(clock, async () => known(await gnocchi.capabilities()));
  return async (rule, author) => {
    let reason: string | undefined;
    for (const each of gnocchiRulesIn(rule)) {
      // After the first failure no further request is sent, since an API client waits.
      reason ??= await whyNotChecked(async () => {
        refuseUnknownMethod(each, await methods());
        if (isSearch(each)) await tryOut(gnocchi, each);
      });
      if (!isSearch(each)) await refuseInvisible(gnocchi, each, author);
    }
    return reason;
  };
}

function isSearch(rule: GnocchiRule): rule is ByResourcesRule {
  return rule.type === 'gnocchi_aggregation_by_resources_threshold';
}

async function whyNotChecked(check: () => Promise<void>): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof NotChecked) return thrown.message;
    throw thrown;
  }
}

/** The message may be shown to all callers. */
class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

/** The aggregation methods. Without them no rule can be checked, and that is never the author's fault. */
function known(answer: GnocchiAnswer<string[]>): string[] {
  if (answer.kind === 'answer') return answer.value;
  throw notChecked(answer);
}

function refuseUnknownMethod(rule: GnocchiRule, methods: readonly string[]): void {
  const { aggregation_method } = rule;
  if (methods.includes(aggregation_method)) return;
  const list = methods.map((method) => `'${method}'`).join(', ');
  const message = `aggregation_method should be in [${list}] not ${aggregation_method}`;
  throw new AppError('invalid_request', message, { fieldIn: { part: rule, path: ['aggregation_method'] } });
}

/**
 * Runs the rule's search over a day, as evaluators do over the alarm's window. A metric that no resource has yet is
 * accepted: one may exist when the rule is evaluated. So is an answer that is too large: the answer for the alarm's
 * window is smaller.
 */
async function tryOut(gnocchi: GnocchiClient, rule: ByResourcesRule): Promise<void> {
  const { resource_type: resourceType, metric, aggregation_method: method, query } = rule;
  const request = searchRequest({ resourceType, metric, method }, new RawJson(query));
  const answer = await gnocchi.aggregates({ ...request, start: '-1 day', stop: 'now' });
  if (answer.kind === 'answer' || (answer.kind === 'refusal' && isAboutAbsence(answer))) return;
  if (answer.kind === 'outage' && answer.cause instanceof AnswerTooLarge) return;
  const place = { fieldIn: { part: rule, path: ['query'] } };
  // An invalid search makes Gnocchi answer 500. If Gnocchi answers another search, the search is at fault.
  if (answer.kind === 'refusal' && answer.status === 500 && (await isAvailable(gnocchi))) {
    throw new UpstreamRefusal(answer.status, answer.description, place);
  }
  throw errorFor(answer, place);
}

async function isAvailable(gnocchi: GnocchiClient): Promise<boolean> {
  return probeGnocchi(gnocchi).then(
    () => true,
    () => false,
  );
}

/** Gnocchi before 4.5 answers 400 for metrics that it does not find. */
function isAboutAbsence({ status, description }: Extract<GnocchiAnswer<unknown>, { kind: 'refusal' }>): boolean {
  if (status === 404) return true;
  const cause = typeof description === 'string' ? undefined : description['cause'];
  return status === 400 && typeof cause === 'string' && cause.includes('Metrics not found');
}

type NamedId = {
  field: 'resource_id' | 'metrics';
  id: string;
  place: AppErrorOptions;
  request: (id: string, token?: string) => Promise<GnocchiAnswer<{ id: string }>>;
};

/**
 * Refuses a rule that names a resource or metric which Gnocchi does not show to its author. Alarms are evaluated with
 * the credentials of this service, so an author could otherwise read the data of others. Names of what does not exist
 * yet are accepted, since Aodh's clients create alarms before their metrics; admins may name everything.
 *
 * This needs the author's own Keystone token, and a Gnocchi that accepts it. Without them (another kind of
 * authentication, here or at Gnocchi) nothing is refused here. Then, as for a resource that appears under an id later,
 * the project's filter at evaluation protects the data of others.
 */
async function refuseInvisible(
  gnocchi: GnocchiClient,
  rule: Exclude<GnocchiRule, ByResourcesRule>,
  { token, isAdmin }: AuthorAccess,
): Promise<void> {
  if (isAdmin || token === undefined || !gnocchi.takesTokens) return;
  const at = (...path: BodyPath): AppErrorOptions => ({ fieldIn: { part: rule, path } });
  const named: NamedId[] =
    rule.type === 'gnocchi_resources_threshold'
      ? [{ field: 'resource_id', id: rule.resource_id, place: at('resource_id'), request: gnocchi.resource }]
      : [...new Set(rule.metrics)].map((id) => {
          return { field: 'metrics', id, place: at('metrics', rule.metrics.indexOf(id)), request: gnocchi.metric };
        });
  await Promise.all(named.map((each) => refuseUnlessVisible(each, token)));
}

/**
 * The first request has the credentials of this service: it tells what an evaluator would find. If it finds nothing,
 * the id is harmless. If it finds something, its id at Gnocchi is requested with the author's token, since only that id
 * means the same to all users; another id of a resource is a name that Gnocchi resolves differently for each user.
 */
async function refuseUnlessVisible({ field, id, place, request }: NamedId, token: string): Promise<void> {
  const ours = await request(id);
  if (ours.kind === 'refusal' && !isTemporaryStatus(ours.status)) return; // an evaluator cannot read it either
  if (ours.kind !== 'answer') throw unseen(ours, place);
  const theirs = await request(ours.value.id, token);
  if (theirs.kind === 'answer') return;
  if (theirs.kind === 'outage') throw unseen(theirs, place);
  if (theirs.status === 401) throw new AppError('not_authorized', 'Gnocchi does not accept your token');
  if (theirs.status !== 403 && theirs.status !== 404) throw unseen(theirs, place);
  const problem = `${field === 'metrics' ? 'Metric' : 'Resource'} ${id} is not visible to you`;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute ${field}. Value: '${id}'. ${problem}`,
    place,
  );
}

type FailedAnswer = Exclude<GnocchiAnswer<unknown>, { kind: 'answer' }>;

/**
 * As in Aodh: a refusal of Gnocchi with its own status and text. But if Gnocchi does not accept the credentials of this
 * service, the author gets no 401.
 */
function errorFor(failure: FailedAnswer, place: AppErrorOptions): Error {
  if (failure.kind === 'outage' || isTemporaryStatus(failure.status)) return notChecked(failure);
  return new UpstreamRefusal(failure.status, failure.description, place);
}

/** The error for a resource or metric that could not be checked. */
function unseen(failure: FailedAnswer, place: AppErrorOptions): AppError {
  if (failure.kind === 'refusal' && failure.status !== 401)
    return new UpstreamRefusal(failure.status, failure.description, place);
  return new AppError('unavailable', `Gnocchi ${notChecked(failure).message}`, { cause: failure });
}

function notChecked(failure: FailedAnswer): NotChecked {
  if (failure.kind === 'outage') return new NotChecked(`cannot be asked: ${failure.reason}`, { cause: failure.cause });
  if (failure.status === 401) return new NotChecked('does not accept the credentials of this service');
  return new NotChecked(`cannot be asked: it answered with status ${failure.status}`);
}

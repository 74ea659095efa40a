import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { needsTrust, usesTrust } from '../../alarm/action.js';
import type { PythonValue } from '../../alarm/python-json.js';
import { typeOf } from '../../alarm/types/index.js';
import { AppError, toError } from '../../errors.js';
import type { AlarmChange, StoredAlarm } from '../../storage/alarm-store.js';
import type { HistoryEntry } from '../../storage/history-store.js';
import { newAlarm } from '../alarm-definition.js';
import { creationEntry, ruleChangeEntry } from '../alarm-history-entry.js';
import { refuseBadActions, type ActionPolicy } from '../check-actions.js';
import { backendOf, refuseUnknownBackend } from '../check-rule.js';
import { parseWith } from '../faultstring.js';
import { ruleProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { Alarms, Imports, RuleChecks } from '../ports.js';
import { BULK_BODY } from '../request-body.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import type { AlarmRequest } from '../schema/alarm-request.js';
import { ActivationRequest, importedAlarm, importedDocuments, type ImportedAlarm } from '../schema/import-request.js';

export interface ImportRoutesDeps {
  alarms: Alarms;
  ruleChecks: Pick<RuleChecks, 'externalOwner' | 'knownBackends'>;
  imports: Imports;
  actions: ActionPolicy;
  now: () => Date;
  newId: () => string;
}

/** Bringing alarms over from another service: routes of our own, which `tocsin import` uses. */
export function importRoutes(deps: ImportRoutesDeps): Route[] {
  return [
    { method: 'POST', path: '/v1/imports', policy: 'admin', body: BULK_BODY, handle: (r) => importAlarms(deps, r) },
    { method: 'POST', path: '/v1/imports/activate', policy: 'admin', body: BULK_BODY, handle: (r) => activate(deps, r) },
  ];
}

/** Each alarm by itself: one that is refused keeps no other from coming over. Doing it again is safe. */
async function importAlarms(deps: ImportRoutesDeps, { body, identity }: ApiRequest): Promise<ApiAnswer> {
  const documents = importedDocuments(body);
  const results: PythonValue[] = [];
  for (const document of documents) results.push(await importOne(deps, document, identity));
  return { status: 200, body: results };
}

/** Who brings alarms over. Their rules were checked where they come from; they are only scoped again. */
interface Importer {
  identity: Identity;
  externalOwner: string | null;
}

async function importOne(deps: ImportRoutesDeps, document: Record<string, unknown>, identity: Identity): Promise<PythonValue> {
  const named = { alarm_id: document['alarm_id'] as string, name: typeof document['name'] === 'string' ? document['name'] : '' };
  try {
    const imported = importedAlarm(document);
    refuseBadActions(imported.request, identity, deps.actions);
    refuseUnknownBackend(imported.request, deps.ruleChecks);
    const externalOwner = await deps.ruleChecks.externalOwner(backendOf(imported.request));
    const outcome = await bringOver(deps, imported, { identity, externalOwner });
    const notCopied = outcome === 'deleted' ? [] : imported.notCopied.map((action) => ({ ...action }));
    return { ...named, outcome, not_copied: notCopied };
  } catch (thrown) {
    // What is wrong with one alarm is told of that alarm; trouble of ours ends the request.
    if (!(thrown instanceof AppError) || thrown.code === 'unavailable') throw thrown;
    return { ...named, outcome: 'refused', reason: toError(thrown).message, not_copied: [] };
  }
}

type Outcome = 'created' | 'updated' | 'unchanged' | 'active' | 'deleted';

async function bringOver(deps: ImportRoutesDeps, imported: ImportedAlarm, importer: Importer): Promise<Outcome> {
  const { identity } = importer;
  const { imports, now, newId } = deps;
  const standing = await imports.standingOf(imported.id);
  if (standing === 'active' || standing === 'deleted') return standing;
  if (standing === 'muted') return follow(deps, imported, importer);
  const at = now();
  const alarm = asItWas(imported, importer, at);
  const entry = creationEntry(alarm, { eventId: newId(), by: identity, at });
  const memberProject = ruleProject(identity, imported.request.project_id);
  return (await imports.insertMuted({ alarm, memberProject, entry })) ? 'created' : bringOver(deps, imported, importer);
}

/** An alarm brought over before takes on what its owner changed meanwhile; its state is ours, since we evaluate it. */
async function follow({ alarms, now, newId }: ImportRoutesDeps, imported: ImportedAlarm, importer: Importer): Promise<Outcome> {
  const { identity } = importer;
  const { id, request } = imported;
  const at = now();
  const entries: (HistoryEntry | null)[] = [];
  const change = (current: StoredAlarm): AlarmChange => {
    // Since its standing was looked up.
    if (!current.muted) throw new AppError('conflict', 'It was activated at the same time');
    const { state, stateVersion, stateReason, stateTimestamp, definitionVersion, evaluateTimestamp } = current;
    const ours = { state, stateVersion, stateReason, stateTimestamp, definitionVersion, evaluateTimestamp };
    const theirs = withOptionsOf(current, asItWas(imported, importer, at), request);
    const next = withTrustActionsOf(current, { ...theirs, ...ours });
    const entry = ruleChangeEntry(current, next, { eventId: newId(), by: identity, at });
    entries.push(entry);
    return { next, entry };
  };
  await alarms.replace({ all: true }, id, {
    rule: request.rule,
    memberProject: ruleProject(identity, request.project_id),
    change,
  });
  return entries.some((entry) => entry !== null) ? 'updated' : 'unchanged';
}

/**
 * What the other service has no words for stays as it was set here.
 * @throws AppError `conflict` when its rule was changed there so that it does not fit any more.
 */
function withOptionsOf(current: StoredAlarm, next: StoredAlarm, { tocsin }: AlarmRequest): StoredAlarm {
  if (tocsin !== undefined) return next;
  const { deliveryPolicy, evaluationOptions } = current;
  const problem = typeOf(next.rule).optionProblem(next.rule, evaluationOptions ?? NO_OPTIONS);
  if (problem === undefined) return { ...next, deliveryPolicy, evaluationOptions };
  throw new AppError('conflict', `Its rule was changed, and ${problem.option}, set here, ${problem.message}: change it here too`);
}

const ACTION_LISTS = ['okActions', 'alarmActions', 'insufficientDataActions'] as const;

/**
 * Trust+ actions do not come along; those that the owner has set up here stay, with their trust.
 * @throws AppError `conflict` when the trust would serve another rule, or another project, than its owner lent it for.
 */
function withTrustActionsOf(current: StoredAlarm, next: StoredAlarm): StoredAlarm {
  if (!usesTrust(current)) return next;
  if (current.ruleJson !== next.ruleJson || current.projectId !== next.projectId) {
    throw new AppError('conflict', 'Its rule or its project was changed, and it has trust+ actions here: change it here too');
  }
  const lists = ACTION_LISTS.map((list) => {
    const kept = (current[list] ?? []).filter(needsTrust);
    return [list, kept.length === 0 ? next[list] : [...(next[list] ?? []), ...kept]] as const;
  });
  return { ...next, ...Object.fromEntries(lists) };
}

/** With the id, owner, state and moments that it had; where the other service says nothing, as if made now. */
function asItWas({ id, request }: ImportedAlarm, { identity, externalOwner }: Importer, at: Date): StoredAlarm {
  const alarm = newAlarm(request, identity, { id, at, externalOwner });
  return {
    ...alarm,
    timestamp: request.timestamp ?? at,
    stateTimestamp: request.state_timestamp ?? request.timestamp ?? at,
    stateReason: request.state_reason ?? alarm.stateReason,
    muted: true,
  };
}

async function activate({ imports, now }: ImportRoutesDeps, { body, identity }: ApiRequest): Promise<ApiAnswer> {
  const { project_id, alarm_ids } = parseWith(ActivationRequest, { argument: 'body', value: body ?? {} });
  const activated = await imports.activate({ projectId: project_id, ids: alarm_ids, by: identity, at: now() });
  return { status: 200, body: { activated } };
}

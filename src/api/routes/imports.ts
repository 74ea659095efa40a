import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { needsTrust, usesTrust } from '../../alarm/action.js';
import { hasOptions, withOptionsOf } from '../../alarm/types/composite/kept-options.js';
import { typeOf, type AlarmRule } from '../../alarm/types/index.js';
import { AppError, toError } from '../../errors.js';
import type { AlarmChange, StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { HistoryEntry } from '../../storage/alarms/history-store.js';
import { newAlarm, refuseOtherMuted, type Circumstances } from '../alarms/alarm-definition.js';
import { creationEntry, ruleChangeEntry } from '../alarms/alarm-history-entry.js';
import { refuseBadActions, type ActionPolicy } from '../alarms/check-actions.js';
import { refuseForbiddenAddresses } from '../alarms/check-addresses.js';
import { externalOwnersFor, refuseUnknownBackend } from '../alarms/check-rule.js';
import { parseWith } from '../http/faultstring.js';
import { noteProject } from '../audit/request-audit.js';
import { ruleProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { Alarms, Imports, RuleChecks } from '../ports.js';
import { BULK_BODY, ID_LIST_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import type { ActivationAnswer, ImportAnswer } from '../answers/import-answer.js';
import type { AlarmRequest } from '../schema/alarm-request.js';
import { keptTocsinRequest } from '../schema/tocsin-object.js';
import { ActivationRequest, importedAlarm, importedDocuments, type ImportedAlarm } from '../schema/import-request.js';

export interface ImportRoutesDeps {
  alarms: Alarms;
  ruleChecks: Pick<RuleChecks, 'externalOwner' | 'knownBackends'>;
  imports: Imports;
  actions: ActionPolicy;
  now: () => Date;
  newId: () => string;
}

/** `/v1/imports`, which `tocsin import` uses to import alarms from Aodh. */
export function importRoutes(deps: ImportRoutesDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/imports',
      policy: 'admin',
      audit: 'import.create',
      keyed: 'repeatable',
      body: BULK_BODY,
      handle: (r) => importAlarms(deps, r),
    },
    {
      method: 'POST',
      path: '/v1/imports/activate',
      policy: 'admin',
      audit: 'import.activate',
      keyed: 'repeatable',
      body: ID_LIST_BODY,
      handle: (r) => activate(deps, r),
    },
  ];
}

/** Imports each alarm on its own, so that a refused one does not stop the others. Safe to repeat. */
async function importAlarms(deps: ImportRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { list, identity, note } = request;
  const projects = new Set<string>();
  noteProject(request);
  note({ projects });
  const documents = await importedDocuments(list);
  const results: ImportAnswer[] = [];
  for (const document of documents) results.push(await importOne(deps, document, { identity, projects }));
  return { status: 200, body: results };
}

interface Importer {
  identity: Identity;
  /** Projects whose alarms were created or updated so far, '' for none; before and after, if an alarm was moved. */
  projects: Set<string>;
}

/** Does not have backends check the rule again, since Aodh did. */
async function importOne(
  deps: ImportRoutesDeps,
  document: Record<string, unknown>,
  importer: Importer,
): Promise<ImportAnswer> {
  const named = {
    alarm_id: document['alarm_id'] as string,
    name: typeof document['name'] === 'string' ? document['name'] : '',
  };
  try {
    const imported = importedAlarm(document);
    refuseBadActions(imported.request, importer.identity, deps.actions);
    refuseOtherMuted(imported.request, true);
    refuseUnknownBackend(imported.request, deps.ruleChecks);
    await refuseForbiddenAddresses(imported.request, imported.request.project_id ?? null, deps.actions.egress);
    const outcome = await bringOver(deps, imported, importer);
    const notCopied = outcome === 'deleted' ? [] : imported.notCopied;
    return { ...named, outcome, not_copied: notCopied };
  } catch (thrown) {
    // An invalid alarm is one result among others. An outage of a backing service ends the request.
    if (!(thrown instanceof AppError) || thrown.code === 'unavailable') throw thrown;
    return { ...named, outcome: 'refused', reason: toError(thrown).message, not_copied: [] };
  }
}

type Outcome = Exclude<ImportAnswer['outcome'], 'refused'>;

async function bringOver(deps: ImportRoutesDeps, imported: ImportedAlarm, importer: Importer): Promise<Outcome> {
  const { identity, projects } = importer;
  const { imports, ruleChecks, now, newId } = deps;
  const status = await imports.importStatusOf(imported.id);
  if (status === 'active' || status === 'deleted') return status;
  if (status === 'muted') return updateImported(deps, imported, importer);
  const owners = await externalOwnersFor(imported.request, ruleChecks);
  const at = now();
  const alarm = asItWas(imported, identity, { at, ...owners });
  const entry = creationEntry(alarm, { eventId: newId(), by: identity, at });
  const memberProject = ruleProject(identity, imported.request.project_id);
  if (!(await imports.insertMuted({ alarm, memberProject, entry }))) return bringOver(deps, imported, importer);
  projects.add(alarm.projectId ?? '');
  return 'created';
}

/** Updates a muted alarm by what changed in Aodh. The state stays, since this service evaluates the alarm. */
async function updateImported(
  { alarms, ruleChecks, now, newId }: ImportRoutesDeps,
  { id, request: theirs, ...imported }: ImportedAlarm,
  { identity, projects }: Importer,
): Promise<Outcome> {
  const memberProject = ruleProject(identity, theirs.project_id);
  const before = await alarms.find({ all: true }, id);
  const request = before ? withOurs(before, theirs, memberProject) : theirs;
  const owners = await externalOwnersFor(request, ruleChecks);
  const at = now();
  let former: string | null = null;
  const entries: (HistoryEntry | null)[] = [];
  const change = (current: StoredAlarm): AlarmChange => {
    // A concurrent request may have changed the alarm since it was read.
    if (!current.muted) throw new AppError('conflict', 'It was activated at the same time');
    if (current.definitionVersion !== before?.definitionVersion)
      throw new AppError('conflict', 'It was changed at the same time');
    const { state, stateVersion, stateReason, stateTimestamp, definitionVersion, evaluateTimestamp } = current;
    const ours = { state, stateVersion, stateReason, stateTimestamp, definitionVersion, evaluateTimestamp };
    const defined = asItWas({ ...imported, id, request }, identity, { at, ...owners });
    const next = withTrustActionsOf(current, { ...defined, ...ours });
    const entry = ruleChangeEntry(current, next, { eventId: newId(), by: identity, at });
    entries.push(entry);
    former = current.projectId;
    return { next, entry };
  };
  const replaced = await alarms.replace({ all: true }, id, {
    rule: request.rule,
    memberProject,
    change,
  });
  if (entries.every((entry) => entry === null)) return 'unchanged';
  for (const projectId of [former, replaced?.projectId]) projects.add(projectId ?? '');
  return 'updated';
}

/**
 * Keeps the options of the alarm here that Aodh does not have.
 * @throws AppError `conflict` if the rule was changed in Aodh and the options do not fit it any more.
 */
function withOurs(current: StoredAlarm, theirs: AlarmRequest, projectId: string | null): AlarmRequest {
  const rule = withOptionsWithin(current.rule, theirs.rule, projectId);
  if (theirs.tocsin !== undefined) return { ...theirs, rule };
  const { evaluationOptions } = current;
  const problem = typeOf(rule).optionProblem(rule, evaluationOptions ?? NO_OPTIONS);
  if (problem === undefined) return { ...theirs, rule, tocsin: keptTocsinRequest(current), evaluationOptions };
  throw changedToo(`${problem.option}, set here, ${problem.message}`);
}

function withOptionsWithin(current: AlarmRule, theirs: AlarmRule, projectId: string | null): AlarmRule {
  if (current.type !== 'composite' || !hasOptions(current.tree)) return theirs;
  if (theirs.type !== 'composite') throw changedToo('the rules within it, which have options here, are gone');
  if (hasOptions(theirs.tree)) return theirs;
  const kept = withOptionsOf(current.tree, theirs.tree, projectId);
  if ('tree' in kept) return { ...theirs, tree: kept.tree };
  throw changedToo(`${kept.name}, which has options here, ${kept.message}`);
}

function changedToo(problem: string): AppError {
  return new AppError('conflict', `Its rule was changed, and ${problem}: change it here too`);
}

const ACTION_LISTS = ['okActions', 'alarmActions', 'insufficientDataActions'] as const;

/**
 * Keeps the `trust+` actions that the owner added here, with their trust, since an import brings none.
 * @throws AppError `conflict` if rule or project changed, since the owner lent the trust for the ones before.
 */
function withTrustActionsOf(current: StoredAlarm, next: StoredAlarm): StoredAlarm {
  if (!usesTrust(current)) return next;
  if (current.ruleJson !== next.ruleJson || current.projectId !== next.projectId) {
    throw new AppError(
      'conflict',
      'Its rule or its project was changed, and it has trust+ actions here: change it here too',
    );
  }
  const lists = ACTION_LISTS.map((list) => {
    const kept = (current[list] ?? []).filter(needsTrust);
    return [list, kept.length === 0 ? next[list] : [...(next[list] ?? []), ...kept]] as const;
  });
  return { ...next, ...Object.fromEntries(lists) };
}

/** The alarm with the id, owner, state and times that it has in Aodh. Missing ones get the values of a new alarm. */
function asItWas({ id, request }: ImportedAlarm, identity: Identity, circumstances: Circumstances): StoredAlarm {
  const { at } = circumstances;
  const alarm = newAlarm(request, identity, { id, ...circumstances });
  return {
    ...alarm,
    timestamp: request.timestamp ?? at,
    // A time in the future would move the times of all later changes.
    stateTimestamp: earlierOf(request.state_timestamp ?? request.timestamp ?? at, at),
    stateReason: request.state_reason ?? alarm.stateReason,
    muted: true,
  };
}

function earlierOf(one: Date, other: Date): Date {
  return one < other ? one : other;
}

async function activate({ imports, now }: ImportRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { body, identity } = request;
  const { project_id, alarm_ids } = parseWith(ActivationRequest, { argument: 'body', value: body ?? {} });
  noteProject(request, project_id);
  const projects = new Set<string>();
  request.note({ projects });
  const activated: string[] = [];
  for await (const page of imports.activate({ projectId: project_id, ids: alarm_ids, by: identity, at: now() })) {
    for (const { id, projectId } of page) {
      activated.push(id);
      projects.add(projectId ?? '');
    }
  }
  return { status: 200, body: { activated } satisfies ActivationAnswer };
}

import { AppError } from '../../errors.js';
import { DatabaseUnavailable } from '../../storage/engine/outage.js';
import {
  ALL_PROJECTS,
  UNKNOWN,
  type AuditActor,
  type AuditEntry,
  type AuditOutcome,
} from '../../storage/audit/audit-entry.js';
import { isAdmin } from '../identity/authorize.js';
import { networkOf } from '../identity/failure-limiter.js';
import type { Identity } from '../identity/identity.js';
import { DATA_WRITES, type AuditAction } from './audit-actions.js';
import type { AuditRecorder, RecordedFact } from './audit-recorder.js';

/** Facts about the object of a request that only the handler knows. */
export interface AuditNotes {
  /** Default: the first parameter of the path. */
  objectId?: string;
  /** `*`: all projects. Default: the project of the caller. */
  projectId?: string | null;
  /** Instead of `projectId`: the projects whose objects a write changed, '' for none. Each has an entry of its own. */
  projects?: ReadonlySet<string>;
  /** The user that signed in, instead of the anonymous caller of a public route. */
  actor?: Identity;
  /** Names of changed fields. */
  changed?: readonly string[];
  /** The entries that are kept with an `Idempotency-Key`. A repeat has those of the first request, and no other. */
  kept?: { entries: readonly AuditEntry[]; isRepeat: boolean };
}

/** A request as the audit trail sees it. */
export interface AuditedRequest {
  /** Null: never in the trail. */
  action: AuditAction | null;
  isWrite: boolean;
  identity: Identity;
  params: Readonly<Record<string, string>>;
  notes: AuditNotes;
  requestId: string;
  address: string;
}

/** The parts of the recorder that requests use. */
export type RequestRecorder = Pick<AuditRecorder, 'record' | 'written' | 'entriesOf' | 'add' | 'addAgain'>;

/** Records nothing: for listeners without authentication. */
export const NO_AUDIT: RequestRecorder = {
  record: () => false,
  written: () => Promise.resolve(),
  entriesOf: () => [],
  add: () => undefined,
  addAgain: () => undefined,
};

/** Entries of one kind in a minute that are stored singly. */
const MOST_A_MINUTE = 10;
const MOST_DATA_WRITES_A_MINUTE = 1;
/** A request that changes objects of more projects has one entry, for all projects. */
const MOST_PROJECTS = 10;

/**
 * Runs the work of a request and records its outcome: of writes, of what was denied, of an admin's reads of other
 * projects, and of each use of an API key for all projects. A write that succeeds waits for its entry.
 */
export async function audited<Answer extends { status: number }>(
  recorder: RequestRecorder,
  request: AuditedRequest,
  { work, statusOf }: { work: () => Promise<Answer>; statusOf: (thrown: unknown) => number },
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await work();
  } catch (thrown) {
    const failure = thrown instanceof AppError ? thrown.cause : thrown;
    const isUnknown = failure instanceof DatabaseUnavailable && failure.isOutcomeUnknown;
    recordOutcome(recorder, request, { status: statusOf(thrown), isUnknown });
    throw thrown;
  }
  if (recordOutcome(recorder, request, answer) && request.isWrite) await recorder.written();
  return answer;
}

/** Notes the project whose data the answer has. Without a named project, an admin's answer has data of all projects. */
export function noteProject(
  { identity, note }: { identity: Identity; note: (notes: AuditNotes) => void },
  named?: string | null,
): void {
  const projectId = named ?? (isAdmin(identity) ? ALL_PROJECTS : undefined);
  if (projectId !== undefined) note({ projectId });
}

/** Records that authentication refused a request. */
export function recordAuthenticationFailure(
  recorder: Pick<RequestRecorder, 'record'>,
  { thrown, requestId, address }: { thrown: unknown; requestId: string; address: string },
  status: number,
): void {
  if (!(thrown instanceof AppError) || thrown.code === 'unavailable') return;
  const action = 'service.authenticate';
  recorder.record(
    { ...UNKNOWN, action, outcome: 'denied', status, requestId, address },
    { kind: `${action} ${networkOf(address)}`, most: MOST_A_MINUTE },
  );
}

/**
 * The entries of a write with this status, to keep them with its answer before they are stored. None for a write whose
 * entries are sampled.
 */
export function entriesToKeep(
  recorder: Pick<RequestRecorder, 'entriesOf'>,
  request: AuditedRequest,
  status: number,
): AuditEntry[] {
  const { action, isWrite } = request;
  const isSampled = action === null || !isWrite || DATA_WRITES.has(action);
  return isSampled ? [] : recorder.entriesOf(factsOf(request, action, { status, outcome: outcomeOf(request, status) }));
}

/** Returns true if the request has an entry of its own. */
function recordOutcome(
  recorder: RequestRecorder,
  request: AuditedRequest,
  { status, isUnknown = false }: { status: number; isUnknown?: boolean },
): boolean {
  const { action, notes } = request;
  if (notes.kept) {
    const { entries, isRepeat } = notes.kept;
    if (isRepeat) recorder.addAgain(entries);
    else recorder.add(entries);
    if (isRepeat || entries.length > 0) return entries.length > 0;
  }
  if (action === null || !isNoteworthy(request, status)) return false;
  const outcome = isUnknown ? 'unknown' : outcomeOf(request, status);
  return recordFacts(recorder, request, factsOf(request, action, { status, outcome }));
}

function recordFacts(
  recorder: Pick<RequestRecorder, 'record'>,
  { isWrite, identity, notes }: AuditedRequest,
  facts: readonly RecordedFact[],
): boolean {
  const recorded = facts.map((fact) => {
    const isData = DATA_WRITES.has(fact.action);
    if (isWrite && fact.outcome === 'done' && !isData) return recorder.record(fact);
    const kind = kindOf(fact, notes.actor ?? identity);
    return recorder.record(fact, { kind, most: isData ? MOST_DATA_WRITES_A_MINUTE : MOST_A_MINUTE });
  });
  return recorded.includes(true);
}

/** One fact for each project of the request. */
function factsOf(
  request: AuditedRequest,
  action: AuditAction,
  { status, outcome }: Pick<RecordedFact, 'status' | 'outcome'>,
): RecordedFact[] {
  const { notes, params, requestId, identity, address } = request;
  const fact = {
    ...actorOf(notes.actor ?? identity, address),
    action,
    outcome,
    status,
    requestId,
    objectId: notes.objectId ?? Object.values(params)[0] ?? null,
    changed: outcome === 'done' ? (notes.changed ?? null) : null,
  };
  return projectsOf(request).map((projectId) => ({ ...fact, projectId }));
}

function projectsOf({ notes: { projects = new Set(), projectId }, identity }: AuditedRequest): (string | null)[] {
  if (projects.size === 0) return [projectId ?? identity.projectId];
  if (projects.size > MOST_PROJECTS) return [ALL_PROJECTS];
  return [...new Set([...projects].map((project) => project || identity.projectId))];
}

/** Entries of one kind are sampled together. Only admins name other projects: a client cannot make many kinds. */
function kindOf(
  { action, outcome, status, address, userId, actorProjectId, keyId, projectId }: RecordedFact,
  by: Identity,
): string {
  const network = networkOf(address ?? '');
  const ofProject = isAdmin(by) ? projectId : null;
  return JSON.stringify([action, outcome, status, network, userId, actorProjectId, keyId, ofProject]);
}

function isNoteworthy({ isWrite, identity, notes }: AuditedRequest, status: number): boolean {
  if (isWrite || status === 401 || status === 403 || identity.apiKey?.allProjects) return true;
  return isAdmin(identity) && notes.projectId !== undefined && notes.projectId !== identity.projectId;
}

/** A write to an object of another project is answered 404 unless the caller is an admin: this is a denial. */
function outcomeOf({ isWrite, identity }: AuditedRequest, status: number): AuditOutcome {
  if (status < 400) return 'done';
  if (status >= 500) return 'failed';
  const isHidden = status === 404 && isWrite && !isAdmin(identity);
  return status === 401 || status === 403 || isHidden ? 'denied' : 'refused';
}

function actorOf({ userId, projectId, role, roleNames, apiKey }: Identity, address: string): AuditActor {
  return {
    userId,
    actorProjectId: projectId,
    roles: roleNames ?? (role === null ? [] : [role]),
    keyId: apiKey?.id ?? null,
    allProjectsKey: apiKey?.allProjects ?? false,
    address,
  };
}

import { AppError } from '../../errors.js';
import { DatabaseUnavailable } from '../../storage/engine/outage.js';
import { ALL_PROJECTS, UNKNOWN, type AuditActor, type AuditOutcome } from '../../storage/audit/audit-entry.js';
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
  /** True for the answer to an earlier request with the same `Idempotency-Key`, which has the entry. */
  isRepeat?: boolean;
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

type Recorder = Pick<AuditRecorder, 'record' | 'written'>;

/** Records nothing: for listeners without authentication. */
export const NO_AUDIT: Recorder = { record: () => false, written: () => Promise.resolve() };

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
  recorder: Recorder,
  request: AuditedRequest,
  { work, statusOf }: { work: () => Promise<Answer>; statusOf: (thrown: unknown) => number },
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await work();
  } catch (thrown) {
    const isUnknown = thrown instanceof DatabaseUnavailable && thrown.isOutcomeUnknown;
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
  recorder: Recorder,
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

/** Returns true if the request has an entry of its own. */
function recordOutcome(
  recorder: Recorder,
  request: AuditedRequest,
  { status, isUnknown = false }: { status: number; isUnknown?: boolean },
): boolean {
  const { action, isWrite, notes, params, requestId } = request;
  const identity = notes.actor ?? request.identity;
  if (action === null || notes.isRepeat || !isNoteworthy(request, status)) return false;
  const actor = actorOf(identity, request.address);
  const outcome = isUnknown ? 'unknown' : outcomeOf(request, status);
  const recorded = projectsOf(request).map((projectId) => {
    const fact: RecordedFact = {
      ...actor,
      action,
      outcome,
      status,
      requestId,
      projectId,
      objectId: notes.objectId ?? Object.values(params)[0] ?? null,
      changed: outcome === 'done' ? (notes.changed ?? null) : null,
    };
    const isData = DATA_WRITES.has(action);
    if (isWrite && outcome === 'done' && !isData) return recorder.record(fact);
    const kind = kindOf(fact, identity);
    return recorder.record(fact, { kind, most: isData ? MOST_DATA_WRITES_A_MINUTE : MOST_A_MINUTE });
  });
  return recorded.includes(true);
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

import { bringQueuesForward } from './bring-forward-store.js';
import type { Database, Sql } from '../database.js';
import { beginHours, countInHours } from './hourly-limit-store.js';
import {
  CANDIDATES_AT_ONCE,
  firstPosition,
  inTransaction,
  IS_REPLAYABLE,
  ONE_CANDIDATE,
  PROJECT,
  readCandidates,
  withoutRemoved,
  type ReplayCandidate,
  type ReplayFilter,
  type ReplayPosition,
} from './replay-candidates.js';
import { scopeParameter, type Scope } from '../scope.js';

/** Which ended notifications to replay: one, or those of a status that fulfil the other conditions, too. */
export type ReplaySelection = { id: string } | ReplayFilter;

/** Limits of a replay. */
export interface ReplayLimits {
  /** Notifications of a project in an hour, replays among them; 0: no limit. */
  perProjectAndHour: number;
  /** Most notifications that one call replays. */
  most: number;
}

/** How the caller follows a replay of several parts. */
export interface ReplayFollower {
  /** Ends the replay between two parts. */
  signal?: AbortSignal | undefined;
  /** Receives each part as soon as it is stored, so that the caller knows it even if a later part fails. */
  onPart?: ((part: ReplayedPart) => void) | undefined;
}

/** What one part of a replay has stored. */
export interface ReplayedPart {
  /** The projects of the notifications that will be sent again ('' for none). */
  projects: ReadonlySet<string>;
  /** Projects ('' for none) that have reached their limit with this part. */
  limited: readonly string[];
}

/** The outcome of a replay. */
export interface Replay {
  /** Number of notifications that will be sent again. */
  replayed: number;
  /** Their ids. */
  ids: string[];
  /** Number of notifications that were left out, since an edit has removed their action. */
  removed: number;
  /** True if further notifications of the selection are left: one call replays a bounded number. */
  hasMore: boolean;
  /** The first end of the hour of a project that is at its limit and has notifications left. */
  limitedUntil: Date | undefined;
}

/** `ReplayLimits.most` of the service. */
export const MOST_REPLAYED = 1_000;

/**
 * This may make several notifications of one delivery queue due. Claims still take one at a time. A notification that
 * another transaction replays or deletes is left out.
 */
const REPLAY = `
  update notifications n
     set status = 'pending', next_attempt_at = $2, replayed_at = $2, attempt_base = n.attempt, finished_at = null
    from (select n.id from notifications n where n.id = any($1::text[]) and ${IS_REPLAYABLE}
             for update skip locked) ended
   where n.id = ended.id returning n.id, n.lane, ${PROJECT} as project`;

interface ReplayedRow {
  id: string;
  lane: string;
  project: string;
}

/**
 * Makes ended notifications pending again, with the same id and body. They are due at once. Skips notifications whose
 * action was removed from their alarm. They count in the hour of their project, whose limit ends the replay. Each
 * transaction replays a part, so that none holds the database for long.
 */
export async function replayNotifications(
  db: Database,
  scope: Scope,
  selection: ReplaySelection,
  { signal, onPart, ...rules }: ReplayRules & ReplayFollower,
): Promise<Replay> {
  const parts: Part[] = [];
  const ids: string[] = [];
  let after: ReplayPosition | undefined = firstPosition(scope);
  while (after && !signal?.aborted) {
    const request: PartRequest = { scope, selection, after, most: rules.most - ids.length };
    const part = await inTransaction(db, (tx) => replayPart(tx, request, rules));
    onPart?.({ projects: new Set(part.projects), limited: part.limited });
    parts.push(part);
    ids.push(...part.ids);
    after = part.next;
  }
  const ends = parts.flatMap(({ limitedUntil }) => limitedUntil).sort((a, b) => a.getTime() - b.getTime());
  return {
    replayed: ids.length,
    ids,
    removed: parts.reduce((sum, { removed }) => sum + removed, 0),
    hasMore: after !== undefined || ends.length > 0 || parts.some(({ isCut }) => isCut),
    limitedUntil: ends[0],
  };
}

interface ReplayRules extends ReplayLimits {
  now: Date;
}

interface PartRequest {
  scope: Scope;
  selection: ReplaySelection;
  after: ReplayPosition;
  /** Most notifications to replay. */
  most: number;
}

interface Part {
  ids: string[];
  /** The project of each replayed notification. */
  projects: string[];
  removed: number;
  limited: string[];
  /** The ends of the hours of projects that are at their limit and have notifications left. */
  limitedUntil: Date[];
  /** True if it stopped at `most`, and notifications are left. */
  isCut: boolean;
  /** Undefined if no further part is to be replayed. */
  next: ReplayPosition | undefined;
}

async function replayPart(tx: Sql, request: PartRequest, rules: ReplayRules): Promise<Part> {
  const page = await readPage(tx, request);
  const { wanted, removed } = await withoutRemoved(tx, page);
  const { admitted, limited } = await withinHours(tx, wanted.slice(0, request.most), rules);
  const { rows } = await tx.query<ReplayedRow>(REPLAY, [admitted.map(({ id }) => id), rules.now]);
  const queues = rows.map(({ lane }) => lane);
  await bringQueuesForward(tx, queues, rules.now);
  const isCut = wanted.length > request.most;
  const isLast = isCut || 'id' in request.selection || page.length < CANDIDATES_AT_ONCE;
  return {
    ids: rows.map(({ id }) => id),
    projects: rows.map(({ project }) => project),
    removed,
    limited: await countInHours(tx, numbersByProject(rows), rules),
    limitedUntil: [...limited.values()],
    isCut,
    next: isLast ? undefined : afterPage(page, limited),
  };
}

async function readPage(tx: Sql, { scope, selection, after }: PartRequest): Promise<ReplayCandidate[]> {
  if ('id' in selection)
    return (await tx.query<ReplayCandidate>(ONE_CANDIDATE, [selection.id, scopeParameter(scope)])).rows;
  return readCandidates(tx, scope, selection, after);
}

/** Divides candidates by the limits of their projects. `limited` has the projects of the others, with their ends. */
async function withinHours(
  tx: Sql,
  wanted: readonly ReplayCandidate[],
  { now, perProjectAndHour }: ReplayRules,
): Promise<{ admitted: ReplayCandidate[]; limited: Map<string, Date> }> {
  const limited = new Map<string, Date>();
  if (perProjectAndHour === 0) return { admitted: [...wanted], limited };
  const hours = await beginHours(tx, new Set(wanted.map(({ project }) => project)), now);
  const admitted = wanted.filter(({ project }) => {
    const hour = hours.get(project);
    if (!hour || hour.sent < perProjectAndHour) {
      if (hour) hour.sent += 1;
      return true;
    }
    limited.set(project, hour.until);
    return false;
  });
  return { admitted, limited };
}

function numbersByProject(rows: readonly ReplayedRow[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { project } of rows) numbers.set(project, (numbers.get(project) ?? 0) + 1);
  return numbers;
}

/** The position after a page; nothing more is read of a project that is at its limit. */
function afterPage(page: readonly ReplayCandidate[], limited: ReadonlyMap<string, Date>): ReplayPosition | undefined {
  const last = page.at(-1);
  return last && limited.has(last.project) ? { ...last, ordinal: Number.MAX_SAFE_INTEGER } : last;
}

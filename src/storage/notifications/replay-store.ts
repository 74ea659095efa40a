import { BRING_REPLAYED } from './bring-forward-store.js';
import type { Database, Sql } from '../database.js';
import { countInHours, reachesLimit } from './hourly-limit-store.js';
import {
  CANDIDATES_AT_ONCE,
  firstPosition,
  followingIndexes,
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
 * Replays candidates, in the given order, within the limits of their projects, and counts them. This may make several
 * notifications of one delivery queue due; claims still take one at a time. Notifications that another transaction
 * replays or deletes are left out. Refused notifications are counted, too: their project is at its limit without them.
 * It is one statement, so that a client that is cut off holds no lock. Parameters: now, ids, limit of the hour.
 */
const REPLAY = `
  with free as materialized (
    select n.id, ${PROJECT} as project, w.place
      from unnest($2::text[]) with ordinality as w (id, place) join notifications n on n.id = w.id
     where ${IS_REPLAYABLE} for update of n skip locked
  ),
  numbers as (select project, count(*)::int as number from free group by 1),
  counted as (${countInHours('select project, number from numbers', { now: '$1', limit: '$3' })}),
  ranked as (select f.*, row_number() over (partition by f.project order by f.place) as rank from free f),
  judged as (
    select r.id, r.project, r.place, c.until, coalesce(r.rank <= $3::int - (c.sent - u.number), true) as is_within,
           coalesce(${reachesLimit('c', 'u.number', '$3')}, false) as is_reached
      from ranked r join numbers u on u.project = r.project left join counted c on c.project = r.project
  ),
  replayed as (
    update notifications n
       set status = 'pending', next_attempt_at = $1, replayed_at = $1, attempt_base = n.attempt, finished_at = null
      from judged j where n.id = j.id and j.is_within returning n.lane, n.ordinal
  ),
  ${BRING_REPLAYED}
  select j.id, j.project, j.is_within as "isWithin", j.is_reached as "isReached", j.until
    from judged j order by j.place`;

interface JudgedRow {
  id: string;
  project: string;
  /** True if it is replayed, false if the limit of its project refuses it. */
  isWithin: boolean;
  /** True if its project has reached the limit with this part. */
  isReached: boolean;
  /** The end of the hour; null without a limit. */
  until: Date | null;
}

/**
 * Makes ended notifications pending again, with the same id and body. They are due at once. Skips notifications whose
 * action was removed from their alarm. They count in the hour of their project, whose limit ends the replay. Each
 * statement replays a part, so that none holds the database for long.
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
    const part = await replayPart(db, request, rules);
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

async function replayPart(db: Database, request: PartRequest, rules: ReplayRules): Promise<Part> {
  const { page, wanted, removed } = await followingIndexes(db, async (sql) => {
    const candidates = await readPage(sql, request);
    return { page: candidates, ...(await withoutRemoved(sql, candidates)) };
  });
  const judged = await replayWithin(db, wanted.slice(0, request.most), rules);
  const replayed = judged.filter(({ isWithin }) => isWithin);
  const refused = judged.filter(({ isWithin }) => !isWithin);
  const ends = new Map(refused.flatMap(({ project, until }) => (until === null ? [] : [[project, until] as const])));
  const isCut = wanted.length > request.most;
  const isLast = isCut || 'id' in request.selection || page.length < CANDIDATES_AT_ONCE;
  return {
    ids: replayed.map(({ id }) => id),
    projects: replayed.map(({ project }) => project),
    removed,
    limited: [...new Set(judged.filter(({ isReached }) => isReached).map(({ project }) => project))],
    limitedUntil: [...ends.values()],
    isCut,
    next: isLast ? undefined : afterPage(page, ends),
  };
}

async function replayWithin(
  db: Database,
  wanted: readonly ReplayCandidate[],
  { now, perProjectAndHour }: ReplayRules,
): Promise<JudgedRow[]> {
  if (wanted.length === 0) return [];
  const parameters = [now, wanted.map(({ id }) => id), perProjectAndHour];
  return (await followingIndexes(db, (sql) => sql.query<JudgedRow>(REPLAY, parameters))).rows;
}

async function readPage(sql: Sql, { scope, selection, after }: PartRequest): Promise<ReplayCandidate[]> {
  if ('id' in selection)
    return (await sql.query<ReplayCandidate>(ONE_CANDIDATE, [selection.id, scopeParameter(scope)])).rows;
  return readCandidates(sql, scope, selection, after);
}

/** The position after a page; nothing more is read of a project that is at its limit. */
function afterPage(page: readonly ReplayCandidate[], limited: ReadonlyMap<string, Date>): ReplayPosition | undefined {
  const last = page.at(-1);
  return last && limited.has(last.project) ? { ...last, ordinal: Number.MAX_SAFE_INTEGER } : last;
}

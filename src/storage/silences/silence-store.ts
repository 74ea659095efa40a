import { alarmMatcher, type MatchedAlarm } from '../../alarm/silence/matchers.js';
import { SilenceOpenings } from '../../alarm/silence/openings.js';
import {
  ALL_SILENCED,
  type OpenSilence,
  type Silence,
  type SilenceDefinition,
  type SilenceStatus,
} from '../../alarm/silence/silence.js';
import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';
import { matchingAlarms, type MatchedPage } from './matching-alarms.js';
import { OpenSilences } from './open-silences.js';
import { SILENCE_COLUMNS, toSilence, type SilenceRow, type StoredSilence } from './silence-row.js';

/**
 * Most silences of a project that are not over. Each transition of its alarms is compared with them. Those of several
 * projects are counted together: they do not count towards the limit of a project.
 */
export const MOST_SILENCES = 1_000;
/** Most changes of a silence that are read: the last ones. */
const MOST_CHANGES = 100;
/** Silences that one statement reads or deletes. */
const PAGE = 500;
/** Most silences that one page of a list reads: all of a project that are not over, its own, of several and of all. */
const MOST_READ = 3 * MOST_SILENCES;
/** Advisory locks of the counts of silences, one for each project. Any constant that no other lock has. */
const COUNT_LOCK = 8042_0010;

/** Who does something to a silence, and when. */
export interface SilenceAuthor {
  userId: string | null;
  projectId: string | null;
  at: Date;
}

/** One change of a silence. */
export interface SilenceChange extends SilenceAuthor {
  kind: 'created' | 'changed' | 'ended';
  /** Names of changed fields; empty unless `changed`. */
  changed: string[];
}

/** The place of a silence in the order of lists. */
export type SilencePosition = Pick<Silence, 'id' | 'createdAt'>;

/** Which silences to list, newest first. */
export interface SilenceQuery {
  status?: SilenceStatus | undefined;
  /** Only those whose matchers this alarm of the scope fulfils. Without a status, ended ones are left out. */
  alarm?: MatchedAlarm | undefined;
  limit: number;
  /** The silence before the first one of the page. */
  after?: SilencePosition | undefined;
  now: Date;
}

/** One page of a list. It can be empty although another page follows, since a page reads a bounded number of rows. */
export interface SilenceListPage {
  silences: Silence[];
  /** The last silence that was read for this page; undefined if no page follows. */
  next: SilencePosition | undefined;
}

/** Makes the new definition of a silence, with the names of the changed fields. */
export type ChangeSilence = (current: StoredSilence) => { next: SilenceDefinition; changed: string[] };

export type SilenceStore = ReturnType<typeof createSilenceStore>;

/** Silences, for users. A scope sees those of its project, also among several, and those of all projects. */
export function createSilenceStore(db: Database) {
  const openings = new SilenceOpenings();
  const openSilences = new OpenSilences();
  return {
    /** Resolves to undefined if there are `MOST_SILENCES` that are not over: of its project, of several, or of all. */
    create: (silence: Silence, by: SilenceAuthor): Promise<StoredSilence | undefined> =>
      db.transaction((tx) => create(tx, silence, by)),
    find: (scope: Scope, id: string): Promise<StoredSilence | undefined> => find(db, scope, id, ''),
    /** The last changes of a silence, oldest first. */
    changesOf: (id: string): Promise<SilenceChange[]> => changesOf(db, id),
    list: (scope: Scope, query: SilenceQuery): Promise<SilenceListPage> => list(db, openings, scope, query),
    /** Replaces the definition. `change` is called with the silence locked; if it throws, nothing is changed. */
    replace: (scope: Scope, id: string, change: ChangeSilence, by: SilenceAuthor): Promise<StoredSilence | undefined> =>
      db.transaction((tx) => replace(tx, { scope, id, by }, change)),
    /** Ends a silence now. `check` is called with the silence locked. Resolves to false if there is none. */
    end: (scope: Scope, id: string, check: (current: StoredSilence) => void, by: SilenceAuthor): Promise<boolean> =>
      db.transaction((tx) => end(tx, { scope, id, by }, check)),
    /** The silences that hold alarms now, by the id of the alarm. */
    holding: (alarms: readonly MatchedAlarm[], now: Date): Promise<ReadonlyMap<string, readonly OpenSilence[]>> =>
      openSilences.allHolding(db, alarms, now),
    /** See `matchingAlarms`. */
    matching: (definition: Pick<Silence, 'projects' | 'matchers'>): AsyncIterable<MatchedPage> =>
      matchingAlarms(db, definition),
    /** Deletes silences that were over before a time, a bounded number. Returns that number. */
    prune: async (before: Date): Promise<number> => (await db.query(PRUNE, [before])).rowCount,
  };
}

const PRUNE = `
  delete from silences where id in (select id from silences where over_at < $1 order by over_at limit ${PAGE})`;

/** The status of a silence at a time. */
export function silenceStatus(silence: Silence, at: Date, openings: SilenceOpenings): SilenceStatus {
  if (isOver(silence, at)) return 'ended';
  return openings.isOpen(silence, at) ? 'active' : 'planned';
}

/** True if the silence will hold no alarm any more. */
export function isOver({ endedAt, endsAt }: Silence, at: Date): boolean {
  return endedAt !== null || (endsAt !== null && endsAt <= at);
}

const COUNT = 'select count(*)::int as n from silences where project = $1 and over_at > $2';
const COUNT_OF_SEVERAL = 'select count(*)::int as n from silences where project is null and over_at > $1';
const INSERT = `
  insert into silences (id, project, projects, is_admins, matchers, starts_at, ends_at, cron, duration_s, timezone,
                        reason, owner, over_at, created_at)
  values ($1, $2, $3::text[], $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($7::timestamptz, 'infinity'), $13)
  returning revision::text as revision`;
const UPDATE = `
  update silences set project = $2, projects = $3::text[], is_admins = $4, matchers = $5, starts_at = $6,
         ends_at = $7::timestamptz, cron = $8, duration_s = $9, timezone = $10, reason = $11, owner = $12,
         over_at = coalesce($7::timestamptz, 'infinity'), revision = pg_current_xact_id()
   where id = $1 returning revision::text as revision`;
const END = `
  update silences set over_at = $2, ended_early = true, revision = pg_current_xact_id() where id = $1`;
const NOTE_CHANGE = `
  with noted as (
    insert into silence_changes (silence_id, kind, at, user_id, project_id, changed)
    values ($1, $2, $3, $4, $5, $6::text[]))
  insert into stream_entries (kind, project_id, all_projects, object_id, change, at)
  select 'silence', nullif(nullif(project, '${ALL_SILENCED}'), ''), project = '${ALL_SILENCED}', $1, $2, $3
    from unnest($7::text[]) as project`;

async function create(tx: Sql, silence: Silence, by: SilenceAuthor): Promise<StoredSilence | undefined> {
  if (!(await hasRoom(tx, silence.projects, by.at))) return undefined;
  const { rows } = await tx.query<{ revision: string }>(INSERT, [...parametersOf(silence), silence.createdAt]);
  await noteChange(tx, silence, { ...by, kind: 'created', changed: [] });
  return { ...silence, revision: rows[0]?.revision ?? '' };
}

/** Locks the count of a project, or of several, until the end of the transaction. */
async function hasRoom(tx: Sql, projects: Silence['projects'], at: Date): Promise<boolean> {
  const project = onlyOne(projects);
  // Two counts may share a lock, if their hashes are equal.
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [COUNT_LOCK, project ?? '']);
  const { rows } =
    project === null
      ? await tx.query<{ n: number }>(COUNT_OF_SEVERAL, [at])
      : await tx.query<{ n: number }>(COUNT, [project, at]);
  return (rows[0]?.n ?? 0) < MOST_SILENCES;
}

/** Null if there are several. */
function onlyOne([first = '', ...others]: Silence['projects']): string | null {
  return others.length === 0 ? first : null;
}

function parametersOf(silence: Silence): unknown[] {
  const { id, projects, isAdmins, matchers, startsAt, endsAt, recurrence, reason, owner } = silence;
  const project = onlyOne(projects);
  return [
    id,
    project,
    project === null ? projects : null,
    isAdmins,
    JSON.stringify(matchers),
    startsAt,
    endsAt,
    recurrence?.cron ?? null,
    recurrence?.durationS ?? null,
    recurrence?.timezone ?? null,
    reason,
    owner,
  ];
}

/** Keeps a change and its author, and tells the streams of the projects whose alarms the silence holds or held. */
async function noteChange(
  tx: Sql,
  { id, projects }: { id: string; projects: readonly string[] },
  { kind, at, userId, projectId, changed }: SilenceChange,
): Promise<void> {
  await tx.query(NOTE_CHANGE, [id, kind, at, userId, projectId, changed, [...new Set(projects)]]);
}

async function find(db: Sql, scope: Scope, id: string, lock: '' | 'for update'): Promise<StoredSilence | undefined> {
  const { rows } = await db.query<SilenceRow>(
    `select ${SILENCE_COLUMNS} from silences s
      where s.id = $1
        and ($2::text is null or s.project in ($2, '${ALL_SILENCED}') or $2 = any(s.projects)) ${lock}`,
    [id, scopeParameter(scope)],
  );
  return rows[0] && toSilence(rows[0]);
}

async function changesOf(db: Sql, id: string): Promise<SilenceChange[]> {
  const { rows } = await db.query<SilenceChange>(
    `select kind, at, user_id as "userId", project_id as "projectId", changed from silence_changes
      where silence_id = $1 order by ordinal desc limit ${MOST_CHANGES}`,
    [id],
  );
  return rows.reverse();
}

interface ChangedSilence {
  scope: Scope;
  id: string;
  by: SilenceAuthor;
}

async function replace(
  tx: Sql,
  { scope, id, by }: ChangedSilence,
  change: ChangeSilence,
): Promise<StoredSilence | undefined> {
  const current = await find(tx, scope, id, 'for update');
  if (!current) return undefined;
  const { next, changed } = change(current);
  const silence = { ...current, ...next };
  if (changed.length === 0) return silence;
  const { rows } = await tx.query<{ revision: string }>(UPDATE, parametersOf(silence));
  const projects = [...current.projects, ...silence.projects];
  await noteChange(tx, { id, projects }, { ...by, kind: 'changed', changed });
  return { ...silence, revision: rows[0]?.revision ?? current.revision };
}

async function end(
  tx: Sql,
  { scope, id, by }: ChangedSilence,
  check: (current: StoredSilence) => void,
): Promise<boolean> {
  const current = await find(tx, scope, id, 'for update');
  if (!current) return false;
  check(current);
  if (isOver(current, by.at)) return true;
  await tx.query(END, [id, by.at]);
  await noteChange(tx, current, { ...by, kind: 'ended', changed: [] });
  return true;
}

/** Silences of one group, newest first, after a position. Parameters: group, time and id of the position, number. */
const page = (group: string, overSql: string): string => `
  (select ${SILENCE_COLUMNS} from silences s
    where ${group} and ${overSql} and ($2::timestamptz is null or (s.created_at, s.id) < ($2, $3::text))
    order by s.created_at desc, s.id desc limit ${PAGE})`;

/**
 * The silences of a project, each part in the order of an index: its own, those of all, and those of several. No index
 * has the projects of a silence, so the last part also reads silences of several other projects.
 */
const OF_SCOPE = [
  's.project = $1::text',
  `s.project = '${ALL_SILENCED}'`,
  's.project is null and $1::text = any(s.projects)',
];

const listSql = (scope: Scope, overSql: string): string =>
  'all' in scope
    ? page('$1::text is null', overSql)
    : `${OF_SCOPE.map((group) => page(group, overSql)).join(' union all ')}
       order by created_at desc, id desc limit ${PAGE}`;

/** Silences of a status. Whether one that recurs is active is no part of the statement, nor are the matchers. */
async function list(
  db: Database,
  openings: SilenceOpenings,
  scope: Scope,
  { status, alarm, limit, after, now }: SilenceQuery,
): Promise<SilenceListPage> {
  const overSql =
    status === undefined && !alarm ? '$4::timestamptz is not null' : `s.over_at ${status === 'ended' ? '<=' : '>'} $4`;
  const isListed = (one: Silence): boolean =>
    (status === undefined || silenceStatus(one, now, openings) === status) &&
    (!alarm || alarmMatcher(one.matchers)(alarm));
  const found: Silence[] = [];
  let position = after;
  for (let read = 0; read < MOST_READ; read += PAGE) {
    const parameters = [scopeParameter(scope), position?.createdAt ?? null, position?.id ?? null, now];
    const { rows } = await db.query<SilenceRow>(listSql(scope, overSql), parameters);
    const silences = rows.map(toSilence);
    found.push(...silences.filter(isListed));
    if (found.length > limit) return { silences: found.slice(0, limit), next: found[limit - 1] };
    if (rows.length < PAGE) return { silences: found, next: undefined };
    position = silences.at(-1);
  }
  return { silences: found, next: position };
}

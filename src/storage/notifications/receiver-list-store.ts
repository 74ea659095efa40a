import { Conditions, orderBy, type OrderKey } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { followIndex } from '../slices.js';

/** A receiver with pending, in-flight or dead notifications. Tests are not counted. */
export interface ReceiverState {
  /** As in `NotificationRecord.host`. */
  host: string;
  /** Notifications that wait, with the failing ones. */
  pending: number;
  /** Notifications that wait after a failed attempt. */
  failing: number;
  inFlight: number;
  dead: number;
  /** Since when the oldest pending notification waits; null if none does. */
  oldestPendingAt: Date | null;
  /**
   * The error of the newest failing notification; if there is none, of the newest dead one. Of several projects, it is
   * that of the project with the most.
   */
  lastError: string | null;
  lastHttpStatus: number | null;
  /** Number of projects whose notifications are counted. */
  projects: number;
  /** False if it has more notifications than are counted. */
  isComplete: boolean;
}

/** The receivers of a scope, those with the most failing notifications first. */
export interface ReceiverList {
  receivers: ReceiverState[];
  /** Number of receivers found. The list may have fewer. */
  total: number;
  /** False if more notifications are stored than were read, so that receivers may be missing. */
  isComplete: boolean;
}

/** Bounds of the notifications that are read. */
export interface ReceiverLimits {
  /** Most notifications in all. */
  most: number;
  /** Most notifications of one project, receiver and status, with or without attempts. */
  mostOfGroup: number;
  /** Most notifications that one statement reads. */
  rowsAtOnce: number;
}

const LIMITS: ReceiverLimits = { most: 100_000, mostOfGroup: 10_000, rowsAtOnce: 10_000 };
/** The embedded database executes one statement at a time. */
const EMBEDDED_ROWS = 1_000;

/** Condition of the index. */
const IS_COUNTED = `n.status in ('pending', 'in_flight', 'dead') and n.kind <> 'test'`;
const PROJECT = `coalesce(n.project_id, '')`;
/** The order of the index. */
const KEYS: readonly OrderKey[] = [
  { sql: PROJECT, type: 'text', descending: false },
  { sql: 'n.host', type: 'text', descending: false },
  { sql: 'n.status', type: 'text', descending: false },
  { sql: '(n.attempt > 0)', type: 'boolean', descending: false },
  { sql: 'n.created_at', type: 'timestamptz', descending: false },
  { sql: 'n.ordinal', type: 'bigint', descending: false },
];

/** Notifications of one project, receiver and status, all with or all without an attempt. */
interface Group {
  project: string;
  host: string;
  status: 'pending' | 'in_flight' | 'dead';
  wasTried: boolean;
  notifications: number;
  oldestAt: Date;
  /** The position of the last notification in the order of the index. */
  lastCreatedAt: string;
  lastOrdinal: string;
}

/**
 * Counts notifications by their receivers. Each statement reads a part of the index, up to a number of notifications of
 * one group, so that a receiver with a hundred thousand of them hides no other.
 */
export async function listReceivers(
  db: Database,
  scope: Scope,
  { limit, ...given }: { limit: number } & Partial<ReceiverLimits>,
): Promise<ReceiverList> {
  const limits = { ...LIMITS, ...(db.kind === 'pglite' && { rowsAtOnce: EMBEDDED_ROWS }), ...given };
  const { groups, isComplete } = await readGroups(db, scope, limits);
  const found = [...byHost(groups, limits.mostOfGroup).values()].sort(worstFirst);
  const shown = found.slice(0, limit);
  const errors = await lastErrors(db, shown);
  const receivers = shown.map(({ failed: _, ...receiver }) => ({
    ...receiver,
    ...(errors.get(receiver.host) ?? { lastError: null, lastHttpStatus: null }),
  }));
  return { receivers, total: found.length, isComplete };
}

async function readGroups(
  db: Database,
  scope: Scope,
  { most, mostOfGroup, rowsAtOnce }: ReceiverLimits,
): Promise<{ groups: Group[]; isComplete: boolean }> {
  const groups: Group[] = [];
  let read = 0;
  for (let after: readonly unknown[] | undefined; ;) {
    const page = await readPage(db, scope, { rows: rowsAtOnce, after });
    for (const group of page) addTo(groups, group);
    const rows = page.reduce((sum, { notifications }) => sum + notifications, 0);
    const last = page.at(-1);
    read += rows;
    if (last === undefined || rows < rowsAtOnce) return { groups, isComplete: true };
    if (read >= most) return { groups, isComplete: false };
    const isFull = (groups.at(-1)?.notifications ?? 0) >= mostOfGroup;
    const place = isFull ? ['infinity', String(Number.MAX_SAFE_INTEGER)] : [last.lastCreatedAt, last.lastOrdinal];
    after = [last.project, last.host, last.status, last.wasTried, ...place];
  }
}

/** Adds a group of a page. It may continue the last group of the page before. */
function addTo(groups: Group[], group: Group): void {
  const last = groups.at(-1);
  const isSame =
    last?.project === group.project &&
    last.host === group.host &&
    last.status === group.status &&
    last.wasTried === group.wasTried;
  if (last && isSame) last.notifications += group.notifications;
  else groups.push({ ...group });
}

function readPage(
  db: Database,
  scope: Scope,
  { rows, after }: { rows: number; after: readonly unknown[] | undefined },
): Promise<Group[]> {
  const conditions = new Conditions();
  conditions.add(IS_COUNTED);
  // The expression is that of the index; a notification without a project belongs to no project named ''.
  restrictToScope(scope, PROJECT, conditions);
  restrictToScope(scope, 'n.project_id', conditions);
  if (after) conditions.after(KEYS, after);
  const text = `
    with page as materialized (
      select ${PROJECT} as project, n.host, n.status, n.attempt > 0 as "wasTried", n.created_at, n.ordinal
        from notifications n ${conditions.where()} ${orderBy(KEYS)} ${conditions.limit(rows)}
    )
    select project, host, status, "wasTried", count(*)::int as notifications, min(created_at) as "oldestAt",
           max(created_at)::text as "lastCreatedAt",
           (array_agg(ordinal order by created_at desc, ordinal desc))[1]::text as "lastOrdinal"
      from page group by 1, 2, 3, 4 order by 1, 2, 3, 4`;
  return followIndex<Group>(db, text, conditions.parameters);
}

/** A receiver, and the group whose newest notification has the receiver's last error. */
type CountedReceiver = Omit<ReceiverState, 'lastError' | 'lastHttpStatus'> & { failed: Group | undefined };

function byHost(groups: readonly Group[], mostOfGroup: number): Map<string, CountedReceiver> {
  const receivers = new Map<string, CountedReceiver>();
  const projects = new Map<string, Set<string>>();
  for (const group of groups) {
    const { host, project, status, wasTried, notifications, oldestAt } = group;
    const receiver = receivers.get(host) ?? noneOf(host);
    receivers.set(host, receiver);
    const ofHost = projects.get(host) ?? new Set();
    projects.set(host, ofHost.add(project));
    receiver.projects = ofHost.size;
    receiver.isComplete &&= notifications < mostOfGroup;
    if (status === 'in_flight') receiver.inFlight += notifications;
    if (status === 'dead') receiver.dead += notifications;
    if (status === 'pending') {
      receiver.pending += notifications;
      if (wasTried) receiver.failing += notifications;
      if (receiver.oldestPendingAt === null || oldestAt < receiver.oldestPendingAt) receiver.oldestPendingAt = oldestAt;
    }
    if (givesLastError(group, receiver.failed)) receiver.failed = group;
  }
  return receivers;
}

function noneOf(host: string): CountedReceiver {
  const none = { pending: 0, failing: 0, inFlight: 0, dead: 0, oldestPendingAt: null, projects: 0, isComplete: true };
  return { host, ...none, failed: undefined };
}

/** True if `group` has the receiver's last error rather than `other`: failing before dead, then the larger group. */
function givesLastError(group: Group, other: Group | undefined): boolean {
  if (group.status === 'in_flight' || (group.status === 'pending' && !group.wasTried)) return false;
  if (other === undefined || other.status === group.status) return group.notifications > (other?.notifications ?? 0);
  return group.status === 'pending';
}

function worstFirst(a: CountedReceiver, b: CountedReceiver): number {
  return b.failing - a.failing || b.dead - a.dead || b.pending - a.pending || (a.host < b.host ? -1 : 1);
}

interface LastError {
  lastError: string | null;
  lastHttpStatus: number | null;
}

const LAST_ERRORS = `
  select g.host, n.last_error as "lastError",
         (select t.http_status from attempts t where t.notification_id = n.id order by t.attempt desc limit 1)
           as "lastHttpStatus"
    from unnest($1::text[], $2::text[], $3::text[], $4::boolean[]) as g (project, host, status, tried)
   cross join lateral (
      select n.id, n.last_error from notifications n
       where ${PROJECT} = g.project and n.host = g.host and n.status = g.status and (n.attempt > 0) = g.tried
         and ${IS_COUNTED}
       order by n.created_at desc, n.ordinal desc limit 1) n`;

async function lastErrors(db: Database, receivers: readonly CountedReceiver[]): Promise<Map<string, LastError>> {
  const groups = receivers.flatMap(({ failed }) => failed ?? []);
  if (groups.length === 0) return new Map();
  const columns = [
    groups.map(({ project }) => project),
    groups.map(({ host }) => host),
    groups.map(({ status }) => status),
    groups.map(({ wasTried }) => wasTried),
  ];
  const rows = await followIndex<LastError & { host: string }>(db, LAST_ERRORS, columns);
  return new Map(rows.map(({ host, ...error }) => [host, error]));
}

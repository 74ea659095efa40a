import {
  PermitPool,
  UNSHARED,
  type DueHost,
  type DueNotification,
  type Offer,
  type PermitShares,
} from './permit-pool.js';

/** One due notification that can be claimed. With `id` null: a host, or a project of a host, that has none now. */
export interface ClaimCandidate {
  host: string;
  /** Position of the host in the round robin of hosts, counted from the cursor. */
  hostPosition: number;
  /** Position of the project in the round robin of the host's projects. Null for a host without a free permit. */
  projectPosition: number | null;
  /** Claims that exist at this host. */
  hostClaims: number;
  /** Claims that the project has at this host. */
  projectClaims: number;
  /** Most claims that the host may have; 0 or 1 if it is unresponsive. */
  connections: number;
  isResponsive: boolean;
  /** Time of the last claim that was made while the host was unresponsive. */
  claimedAt: Date | null;
  /** Null for a host without a free permit. */
  project: string | null;
  id: string | null;
}

/** Position from which the next search continues. */
export interface ClaimCursor {
  /** The search continues after this host; '' is the start. */
  host: string;
  /** For hosts whose notifications were not all claimed: the project after which the search continues there. */
  resume: ReadonlyMap<string, string>;
  /**
   * After the first pass, only unresponsive hosts with a later name than this one are tried, until all hosts have been
   * searched.
   */
  unresponsiveAfter: string;
}

/** The cursor of a new notifier. */
export const FROM_THE_START: ClaimCursor = { host: '', resume: new Map(), unresponsiveAfter: '' };

/** Most hosts in `ClaimCursor.resume`. Above it all are forgotten, which costs fairness once and bounds memory. */
const MAX_RESUMED_HOSTS = 1_000;

/** Limits of the query for candidates. Results that reach them may be incomplete. */
interface CandidateLimits {
  hosts: number;
  projectsPerHost: number;
  /** Pairs of a host and a project. */
  hostProjects: number;
}

interface Choice {
  /** The chosen notifications: id, and whether their host is responsive. */
  chosen: ReadonlyMap<string, boolean>;
  cursor: ClaimCursor;
  /** True if another search, from the new cursor, may find more. */
  more: boolean;
}

/**
 * Chooses notifications to claim: hosts round robin, and at each host projects round robin. Projects with fewer claims
 * at a host come first there.
 */
export function chooseFairly(
  candidates: readonly ClaimCandidate[],
  request: { limit: number; cursor: ClaimCursor; shares?: PermitShares },
  limits: CandidateLimits,
): Choice {
  const { cursor, limit, shares = UNSHARED } = request;
  const hosts = hostsOf(candidates, limits);
  const offers = hosts
    .flatMap((host) => host.due.map((one, place) => ({ ...one, host, place })))
    .sort((a, b) => a.place - b.place || a.host.position - b.host.position);
  const permits = new PermitPool(limit, shares);
  for (const offer of inOrder(offers, shares)) permits.acquire(offer);
  const { chosen } = permits;
  const isFull = chosen.length === limit;
  const hostProjects = hosts.reduce((sum, host) => sum + host.hostProjects, 0);
  const isCut = isFull || hosts.length >= limits.hosts || hostProjects >= limits.hostProjects;
  const last = (isFull ? lastHostOf(chosen) : hosts.at(-1)?.host) ?? '';
  const unresponsive = nextUnresponsive(permits, { cursor, isFirstPass: shares.isFirstPass, isLapEnd: !isCut });
  return {
    chosen: new Map(chosen.map(({ id, host }) => [id, host.isResponsive])),
    cursor: {
      host: isCut ? last : '',
      resume: resumeAfter(hosts, chosen, cursor),
      unresponsiveAfter: unresponsive.after,
    },
    more: [
      isCut,
      cursor.host !== '',
      permits.isHeldBack,
      unresponsive.hasRestarted,
      hosts.some(({ cutAfter }) => cutAfter !== ''),
    ].includes(true),
  };
}

/**
 * Returns the host after which the next pass continues among unresponsive hosts. It restarts if a lap over all hosts
 * has left permits for them.
 */
function nextUnresponsive(
  { chosen, unresponsiveForAny }: PermitPool,
  { cursor, isFirstPass, isLapEnd }: { cursor: ClaimCursor; isFirstPass: boolean; isLapEnd: boolean },
): { after: string; hasRestarted: boolean } {
  if (isFirstPass) return { after: cursor.unresponsiveAfter, hasRestarted: false };
  const after = lastUnresponsive(chosen) ?? cursor.unresponsiveAfter;
  const hasRestarted = isLapEnd && unresponsiveForAny > 0 && after !== '';
  return { after: hasRestarted ? '' : after, hasRestarted };
}

/**
 * Puts offers of unresponsive hosts first, and keeps the given order of the others. The first pass takes the
 * unresponsive hosts with the oldest attempt. Later passes take them by name, so that every host is reached, however
 * many there are.
 */
function inOrder(offers: readonly Offer[], { isFirstPass }: PermitShares): Offer[] {
  const unresponsive = offers
    .filter(({ host }) => !host.isResponsive)
    .sort((a, b) => a.host.position - b.host.position);
  if (isFirstPass) unresponsive.sort((a, b) => a.host.claimedAtMs - b.host.claimedAtMs);
  return [...unresponsive, ...offers.filter(({ host }) => host.isResponsive)];
}

function lastUnresponsive(chosen: readonly Offer[]): string | undefined {
  return chosen.findLast(({ host }) => !host.isResponsive)?.host.host;
}

function lastHostOf(chosen: readonly Offer[]): string | undefined {
  return (chosen.findLast(({ host }) => host.isResponsive) ?? chosen.at(-1))?.host.host;
}

function hostsOf(candidates: readonly ClaimCandidate[], limits: CandidateLimits): DueHost[] {
  const hosts = groupByHost(candidates, ({ host }) => host);
  return [...hosts].flatMap(([host, rows]) => {
    const [first] = rows;
    if (!first) return [];
    const positions = rows.flatMap(({ projectPosition }) => projectPosition ?? []);
    const isCut = positions.some((position) => position % limits.projectsPerHost === 0);
    const later = rows.filter(
      ({ projectPosition }) => projectPosition !== null && projectPosition <= limits.projectsPerHost,
    );
    return {
      host,
      position: first.hostPosition,
      due: dueOf(rows),
      freePermits: first.connections - first.hostClaims,
      isResponsive: first.isResponsive,
      claimedAtMs: first.claimedAt?.getTime() ?? 0,
      hostProjects: Math.max(1, new Set(positions).size),
      cutAfter: isCut ? (later.at(-1)?.project ?? '') : '',
    };
  });
}

function dueOf(rows: readonly ClaimCandidate[]): DueNotification[] {
  const claims = new Map<string, number>();
  const due: DueNotification[] = [];
  for (const { id, project, projectPosition, projectClaims } of rows) {
    if (id === null || project === null || projectPosition === null) continue;
    const rank = (claims.get(project) ?? projectClaims) + 1;
    claims.set(project, rank);
    due.push({ id, project, projectPosition, rank });
  }
  return due.sort((a, b) => a.rank - b.rank || a.projectPosition - b.projectPosition);
}

function resumeAfter(
  hosts: readonly DueHost[],
  chosen: readonly { host: DueHost; project: string }[],
  before: ClaimCursor,
): Map<string, string> {
  const served = groupByHost(chosen, ({ host }) => host.host);
  const resume = new Map(before.resume.size > MAX_RESUMED_HOSTS ? [] : before.resume);
  for (const { host, due, cutAfter } of hosts) {
    const ofHost = served.get(host) ?? [];
    if (due.length > ofHost.length) {
      const last = ofHost.at(-1)?.project;
      if (last !== undefined) resume.set(host, last); // if nothing was chosen, the position stays
    } else if (cutAfter !== '') resume.set(host, cutAfter);
    else resume.delete(host);
  }
  return resume;
}

function groupByHost<T>(all: readonly T[], hostOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const host = hostOf(one);
    const group = groups.get(host);
    if (group) group.push(one);
    else groups.set(host, [one]);
  }
  return groups;
}

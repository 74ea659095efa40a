/** One due notification that may be claimed, or, with `id` null, a host and project that have none just now. */
export interface Candidate {
  host: string;
  /** Order of the host and, within it, of the project, as counted from the cursor. */
  hostTurn: number;
  turn: number | null;
  /** Claims that the host, and the project at this host, already hold. */
  hostBusy: number;
  busy: number;
  /** Null, as is its turn, for a host that has no free slot. */
  project: string | null;
  id: string | null;
}

/** Where the next look begins: after `host`; and at a host that could not be served whole, after the project it names. */
export interface ClaimCursor {
  host: string;
  resume: ReadonlyMap<string, string>;
}

export const FROM_THE_START: ClaimCursor = { host: '', resume: new Map() };

/** Hosts whose turn is remembered; beyond it all begin anew, which costs fairness for a moment and bounds memory. */
const REMEMBERED_HOSTS = 1_000;

interface Bounds {
  hosts: number;
  projects: number;
  queues: number;
}

interface Choice {
  ids: string[];
  cursor: ClaimCursor;
  more: boolean;
}

interface Waiting {
  id: string;
  project: string;
  turn: number;
  /** How many claims its project would then hold at this host. */
  place: number;
}

interface HostTurn {
  host: string;
  turn: number;
  waiting: Waiting[];
  free: number;
  queues: number;
  /** The last project looked at if there may be more of them, else ''. */
  cutAfter: string;
}

/** Hosts in turn, and the projects of a host in turn; whoever holds fewer claims goes first. */
export function chooseFairly(
  candidates: readonly Candidate[],
  request: { limit: number; perHost: number; cursor: ClaimCursor },
  bounds: Bounds,
): Choice {
  const hosts = hostsOf(candidates, request.perHost, bounds);
  const chosen = hosts
    .flatMap((host) => host.waiting.slice(0, Math.max(0, host.free)).map((one, place) => ({ ...one, host, place })))
    .sort((a, b) => a.place - b.place || a.host.turn - b.host.turn)
    .slice(0, request.limit);
  const limited = chosen.length === request.limit;
  const queues = hosts.reduce((sum, host) => sum + host.queues, 0);
  const cut = limited || hosts.length >= bounds.hosts || queues >= bounds.queues;
  const last = limited ? chosen.at(-1)?.host.host : hosts.at(-1)?.host;
  return {
    ids: chosen.map(({ id }) => id),
    cursor: { host: cut ? (last ?? '') : '', resume: resumeAfter(hosts, chosen, request.cursor) },
    more: cut || request.cursor.host !== '' || hosts.some((host) => host.cutAfter !== ''),
  };
}

function hostsOf(candidates: readonly Candidate[], perHost: number, bounds: Bounds): HostTurn[] {
  const hosts = groupByHost(candidates, ({ host }) => host);
  return [...hosts].map(([host, rows]) => {
    const turns = rows.flatMap(({ turn }) => turn ?? []);
    const cut = turns.some((turn) => turn % bounds.projects === 0);
    const later = rows.filter(({ turn }) => turn !== null && turn <= bounds.projects);
    return {
      host,
      turn: rows[0]?.hostTurn ?? 0,
      waiting: waitingOf(rows),
      free: perHost - (rows[0]?.hostBusy ?? 0),
      queues: Math.max(1, new Set(turns).size),
      cutAfter: cut ? (later.at(-1)?.project ?? '') : '',
    };
  });
}

function waitingOf(rows: readonly Candidate[]): Waiting[] {
  const held = new Map<string, number>();
  const waiting: Waiting[] = [];
  for (const { id, project, turn, busy } of rows) {
    if (id === null || project === null || turn === null) continue;
    const place = (held.get(project) ?? busy) + 1;
    held.set(project, place);
    waiting.push({ id, project, turn, place });
  }
  return waiting.sort((a, b) => a.place - b.place || a.turn - b.turn);
}

function resumeAfter(
  hosts: readonly HostTurn[],
  chosen: readonly { host: HostTurn; project: string }[],
  before: ClaimCursor,
): Map<string, string> {
  const served = groupByHost(chosen, ({ host }) => host.host);
  const resume = new Map(before.resume.size > REMEMBERED_HOSTS ? [] : before.resume);
  for (const { host, waiting, cutAfter } of hosts) {
    const mine = served.get(host) ?? [];
    if (waiting.length > mine.length) {
      const last = mine.at(-1)?.project;
      if (last !== undefined) resume.set(host, last); // nothing served: the turn stays where it was
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

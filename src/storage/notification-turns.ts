/** One due notification that may be claimed, or, with `id` null, a host and project that have none just now. */
export interface Candidate {
  host: string;
  /** Order of the host and, within it, of the project, as counted from the cursor. */
  hostTurn: number;
  turn: number | null;
  /** Claims that the host, and the project at this host, already hold. */
  hostBusy: number;
  busy: number;
  /** How many claims the host may hold; for one that is not answering 0 or 1. */
  connections: number;
  isAnswering: boolean;
  /** The last claim while the host was not answering. */
  claimedAt: Date | null;
  /** Null, as is its turn, for a host that has no free slot. */
  project: string | null;
  id: string | null;
}

/** Where the next look begins: after `host`; and at a host that could not be served whole, after the project it names. */
export interface ClaimCursor {
  host: string;
  resume: ReadonlyMap<string, string>;
  /** After the first look, of hosts that are not answering only those after this one are tried, until all hosts have been looked at. */
  unansweredAfter: string;
}

export const FROM_THE_START: ClaimCursor = { host: '', resume: new Map(), unansweredAfter: '' };

/** How the slots of one notifier are shared. Projects without an id are the project ''. */
export interface SlotShares {
  /** Slots that hosts which are not answering may still take, of `unansweredInAll`. */
  unanswered: number;
  unansweredInAll: number;
  /** Slots that one project may hold. */
  perProject: number;
  /** Slots that projects hold: all, and those at hosts that were not answering. */
  held: ReadonlyMap<string, number>;
  heldUnanswered: ReadonlyMap<string, number>;
  /** The first look at all hosts leaves slots for hosts that are not answering to projects that hold few of them. */
  isFirstLook: boolean;
}

/** Hosts whose turn is remembered; beyond it all begin anew, which costs fairness for a moment and bounds memory. */
const REMEMBERED_HOSTS = 1_000;

interface Bounds {
  hosts: number;
  projects: number;
  queues: number;
}

interface Choice {
  /** Ids, and whether the host is answering. */
  chosen: ReadonlyMap<string, boolean>;
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
  isAnswering: boolean;
  claimedAtMs: number;
  queues: number;
  /** The last project looked at if there may be more of them, else ''. */
  cutAfter: string;
}

interface Offer extends Waiting {
  host: HostTurn;
}

/** Hosts in turn, and the projects of a host in turn; whoever holds fewer claims goes first. */
export function chooseFairly(
  candidates: readonly Candidate[],
  request: { limit: number; cursor: ClaimCursor; shares?: SlotShares },
  bounds: Bounds,
): Choice {
  const hosts = hostsOf(candidates, bounds);
  const offers = hosts
    .flatMap((host) => host.waiting.slice(0, Math.max(0, host.free)).map((one, place) => ({ ...one, host, place })))
    .sort((a, b) => a.place - b.place || a.host.turn - b.host.turn);
  const { chosen, isHeldBack, unansweredLeft } = withinShares(offers, request);
  const limited = chosen.length === request.limit;
  const queues = hosts.reduce((sum, host) => sum + host.queues, 0);
  const cut = limited || hosts.length >= bounds.hosts || queues >= bounds.queues;
  const last = limited ? lastServed(chosen) : hosts.at(-1)?.host;
  const { cursor } = request;
  const isFirstLook = request.shares?.isFirstLook ?? false;
  const lastUnanswered = isFirstLook ? undefined : chosen.findLast(({ host }) => !host.isAnswering)?.host.host;
  const unansweredAfter = lastUnanswered ?? cursor.unansweredAfter;
  const beginsAnew = !isFirstLook && !cut && unansweredLeft > 0 && unansweredAfter !== '';
  return {
    chosen: new Map(chosen.map(({ id, host }) => [id, host.isAnswering])),
    cursor: {
      host: cut ? (last ?? '') : '',
      resume: resumeAfter(hosts, chosen, cursor),
      unansweredAfter: beginsAnew ? '' : unansweredAfter,
    },
    more: cut || cursor.host !== '' || isHeldBack || beginsAnew || hosts.some((host) => host.cutAfter !== ''),
  };
}

/**
 * First what hosts that are not answering may take, then everything else in the order given. The first look takes those hosts that were tried
 * longest ago, any other goes through them by name, so that each comes up however many there are.
 */
function withinShares(
  offers: readonly Offer[],
  { limit, shares }: { limit: number; shares?: SlotShares },
): { chosen: Offer[]; isHeldBack: boolean; unansweredLeft: number } {
  const held = new Map(shares?.held);
  const heldUnanswered = new Map(shares?.heldUnanswered);
  const chosen: Offer[] = [];
  let unansweredLeft = shares?.unanswered ?? Infinity;
  let isHeldBack = false;
  const unanswered = offers.filter(({ host }) => !host.isAnswering).sort((a, b) => a.host.turn - b.host.turn);
  if (shares?.isFirstLook) unanswered.sort((a, b) => a.host.claimedAtMs - b.host.claimedAtMs);
  for (const offer of [...unanswered, ...offers.filter(({ host }) => host.isAnswering)]) {
    const { project, host } = offer;
    if (chosen.length >= limit || (shares && (held.get(project) ?? 0) >= shares.perProject)) continue;
    if (!host.isAnswering) {
      if (unansweredLeft <= 0) continue;
      if (shares?.isFirstLook && holdsItsPart(heldUnanswered, project, shares.unansweredInAll)) {
        isHeldBack = true;
        continue;
      }
      unansweredLeft -= 1;
      heldUnanswered.set(project, (heldUnanswered.get(project) ?? 0) + 1);
    }
    held.set(project, (held.get(project) ?? 0) + 1);
    chosen.push(offer);
  }
  return { chosen, isHeldBack, unansweredLeft };
}

/** Whether one more project could no longer get as much. */
function holdsItsPart(held: ReadonlyMap<string, number>, project: string, inAll: number): boolean {
  const mine = held.get(project) ?? 0;
  return mine > 0 && mine >= inAll / (held.size + 1);
}

function lastServed(chosen: readonly Offer[]): string | undefined {
  return (chosen.findLast(({ host }) => host.isAnswering) ?? chosen.at(-1))?.host.host;
}

function hostsOf(candidates: readonly Candidate[], bounds: Bounds): HostTurn[] {
  const hosts = groupByHost(candidates, ({ host }) => host);
  return [...hosts].map(([host, rows]) => {
    const turns = rows.flatMap(({ turn }) => turn ?? []);
    const cut = turns.some((turn) => turn % bounds.projects === 0);
    const later = rows.filter(({ turn }) => turn !== null && turn <= bounds.projects);
    return {
      host,
      turn: rows[0]?.hostTurn ?? 0,
      waiting: waitingOf(rows),
      free: (rows[0]?.connections ?? 0) - (rows[0]?.hostBusy ?? 0),
      isAnswering: rows[0]?.isAnswering ?? false,
      claimedAtMs: rows[0]?.claimedAt?.getTime() ?? 0,
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

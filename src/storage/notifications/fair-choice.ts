/** One due notification that may be claimed, or, with `id` null, a host and project that have none just now. */
export interface ClaimCandidate {
  host: string;
  /** Order of the host and, within it, of the project, as counted from the cursor. */
  hostTurn: number;
  turn: number | null;
  /** Claims that the host, and the project at this host, already hold. */
  hostBusy: number;
  busy: number;
  /** How many claims the host may hold; 0 or 1 if it did not answer its last attempt. */
  connections: number;
  isResponsive: boolean;
  /** The last claim that was made while the host did not answer. */
  claimedAt: Date | null;
  /** Null, as is its turn, for a host that has no free slot. */
  project: string | null;
  id: string | null;
}

/**
 * Where the next look begins: after `host`; and at a host that could not be served whole, after the project it names.
 */
export interface ClaimCursor {
  host: string;
  resume: ReadonlyMap<string, string>;
  /**
   * After the first pass, only later hosts than this one are tried among hosts that do not answer, until all hosts have
   * been seen.
   */
  unresponsiveAfter: string;
}

export const FROM_THE_START: ClaimCursor = { host: '', resume: new Map(), unresponsiveAfter: '' };

/** How the slots of one notifier are shared. Projects without an id are the project ''. */
export interface PermitShares {
  /** Free slots for hosts that do not answer, of `unresponsiveInAll`. */
  unresponsive: number;
  unresponsiveInAll: number;
  /** The last of these slots, which only projects get that hold none of them: so many. */
  unresponsiveReserved: number;
  /** Slots that one project may hold. */
  perProject: number;
  /** Slots that each project holds: in all, and at hosts that do not answer. */
  held: ReadonlyMap<string, number>;
  heldUnresponsive: ReadonlyMap<string, number>;
  /** In the first pass, slots for hosts that do not answer go to projects that hold few of these slots. */
  isFirstPass: boolean;
}

/** Hosts whose turn is remembered; beyond it all begin anew, which costs fairness for a moment and bounds memory. */
const REMEMBERED_HOSTS = 1_000;

interface Bounds {
  hosts: number;
  projects: number;
  queues: number;
}

interface Choice {
  /** The chosen notifications: id, and whether the host answered its last attempt. */
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
  isResponsive: boolean;
  claimedAtMs: number;
  queues: number;
  /** The last project looked at if there may be more of them, else ''. */
  cutAfter: string;
}

interface Offer extends Waiting {
  host: HostTurn;
}

const UNSHARED: PermitShares = {
  unresponsive: Infinity,
  unresponsiveInAll: Infinity,
  unresponsiveReserved: 0,
  perProject: Infinity,
  held: new Map(),
  heldUnresponsive: new Map(),
  isFirstPass: false,
};

/** Hosts in turn, and the projects of a host in turn; whoever holds fewer claims goes first. */
export function chooseFairly(
  candidates: readonly ClaimCandidate[],
  request: { limit: number; cursor: ClaimCursor; shares?: PermitShares },
  bounds: Bounds,
): Choice {
  const { cursor, limit, shares = UNSHARED } = request;
  const hosts = hostsOf(candidates, bounds);
  const offers = hosts
    .flatMap((host) => host.waiting.map((one, place) => ({ ...one, host, place })))
    .sort((a, b) => a.place - b.place || a.host.turn - b.host.turn);
  const slots = new SharedSlots(limit, shares);
  for (const offer of inOrder(offers, shares)) slots.offer(offer);
  const { chosen } = slots;
  const limited = chosen.length === limit;
  const queues = hosts.reduce((sum, host) => sum + host.queues, 0);
  const cut = limited || hosts.length >= bounds.hosts || queues >= bounds.queues;
  const last = (limited ? lastServed(chosen) : hosts.at(-1)?.host) ?? '';
  const unresponsive = afterUnanswered(slots, { cursor, isFirstPass: shares.isFirstPass, isLapEnd: !cut });
  return {
    chosen: new Map(chosen.map(({ id, host }) => [id, host.isResponsive])),
    cursor: {
      host: cut ? last : '',
      resume: resumeAfter(hosts, chosen, cursor),
      unresponsiveAfter: unresponsive.after,
    },
    more: [
      cut,
      cursor.host !== '',
      slots.isHeldBack,
      unresponsive.beginsAnew,
      hosts.some(({ cutAfter }) => cutAfter !== ''),
    ].includes(true),
  };
}

/**
 * The host after which the next pass continues among hosts that do not answer; from the start if a lap has left slots
 * for them.
 */
function afterUnanswered(
  { chosen, unansweredForAny }: SharedSlots,
  { cursor, isFirstPass, isLapEnd }: { cursor: ClaimCursor; isFirstPass: boolean; isLapEnd: boolean },
): { after: string; beginsAnew: boolean } {
  if (isFirstPass) return { after: cursor.unresponsiveAfter, beginsAnew: false };
  const after = lastUnanswered(chosen) ?? cursor.unresponsiveAfter;
  const beginsAnew = isLapEnd && unansweredForAny > 0 && after !== '';
  return { after: beginsAnew ? '' : after, beginsAnew };
}

/**
 * Hosts that do not answer come first, then all other offers in the given order. The first pass takes the hosts whose
 * last attempt is longest ago; later passes go through them by name, so that each host is reached, however many there
 * are.
 */
function inOrder(offers: readonly Offer[], { isFirstPass }: PermitShares): Offer[] {
  const unresponsive = offers.filter(({ host }) => !host.isResponsive).sort((a, b) => a.host.turn - b.host.turn);
  if (isFirstPass) unresponsive.sort((a, b) => a.host.claimedAtMs - b.host.claimedAtMs);
  return [...unresponsive, ...offers.filter(({ host }) => host.isResponsive)];
}

/** The free slots of one claim. */
class SharedSlots {
  readonly chosen: Offer[] = [];
  /** An offer was skipped that a later pass may take. */
  isHeldBack = false;
  #unansweredLeft: number;
  readonly #ofHosts = new Map<HostTurn, number>();
  readonly #held: Map<string, number>;
  readonly #heldUnresponsive: Map<string, number>;

  constructor(
    private readonly limit: number,
    private readonly shares: PermitShares,
  ) {
    this.#unansweredLeft = shares.unresponsive;
    this.#held = new Map(shares.held);
    this.#heldUnresponsive = new Map(shares.heldUnresponsive);
  }

  /** Gives the offer a slot, if one is free. */
  offer(offer: Offer): void {
    const { project, host } = offer;
    if (this.chosen.length >= this.limit || countOf(this.#ofHosts, host) >= host.free) return;
    if (countOf(this.#held, project) >= this.shares.perProject) return;
    if (!host.isResponsive && !this.#takeUnanswered(project)) return;
    this.#held.set(project, countOf(this.#held, project) + 1);
    this.#ofHosts.set(host, countOf(this.#ofHosts, host) + 1);
    this.chosen.push(offer);
  }

  /** Slots left for hosts that do not answer, without those kept for projects that hold none. */
  get unansweredForAny(): number {
    return this.#unansweredLeft - this.shares.unresponsiveReserved;
  }

  #takeUnanswered(project: string): boolean {
    const left = this.#heldUnresponsive.has(project) ? this.unansweredForAny : this.#unansweredLeft;
    if (left <= 0) return false;
    if (this.shares.isFirstPass && this.#holdsItsPart(project)) {
      this.isHeldBack = true;
      return false;
    }
    this.#unansweredLeft -= 1;
    this.#heldUnresponsive.set(project, countOf(this.#heldUnresponsive, project) + 1);
    return true;
  }

  /** True if one more project could no longer get as many slots as this one holds. */
  #holdsItsPart(project: string): boolean {
    const held = countOf(this.#heldUnresponsive, project);
    return held > 0 && held >= this.shares.unresponsiveInAll / (this.#heldUnresponsive.size + 1);
  }
}

function countOf<Key>(counts: ReadonlyMap<Key, number>, key: Key): number {
  return counts.get(key) ?? 0;
}

function lastUnanswered(chosen: readonly Offer[]): string | undefined {
  return chosen.findLast(({ host }) => !host.isResponsive)?.host.host;
}

function lastServed(chosen: readonly Offer[]): string | undefined {
  return (chosen.findLast(({ host }) => host.isResponsive) ?? chosen.at(-1))?.host.host;
}

function hostsOf(candidates: readonly ClaimCandidate[], bounds: Bounds): HostTurn[] {
  const hosts = groupByHost(candidates, ({ host }) => host);
  return [...hosts].flatMap(([host, rows]) => {
    const [first] = rows;
    if (!first) return [];
    const turns = rows.flatMap(({ turn }) => turn ?? []);
    const cut = turns.some((turn) => turn % bounds.projects === 0);
    const later = rows.filter(({ turn }) => turn !== null && turn <= bounds.projects);
    return {
      host,
      turn: first.hostTurn,
      waiting: waitingOf(rows),
      free: first.connections - first.hostBusy,
      isResponsive: first.isResponsive,
      claimedAtMs: first.claimedAt?.getTime() ?? 0,
      queues: Math.max(1, new Set(turns).size),
      cutAfter: cut ? (later.at(-1)?.project ?? '') : '',
    };
  });
}

function waitingOf(rows: readonly ClaimCandidate[]): Waiting[] {
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

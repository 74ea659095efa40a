/**
 * The permits of one notifier, and how projects share them: one permit for each attempt at the same time. A host is
 * unresponsive if it is new or did not answer its last attempt. Projects without an id are the project ''.
 */
export interface PermitShares {
  /** Free permits for unresponsive hosts. */
  unresponsive: number;
  /** All permits for unresponsive hosts, free or held. */
  unresponsiveInAll: number;
  /** How many of them are reserved for projects that hold none of them. */
  unresponsiveReserved: number;
  /** Most permits that one project may hold. */
  perProject: number;
  /** Permits that each project holds. */
  held: ReadonlyMap<string, number>;
  /** Permits that each project holds for unresponsive hosts. */
  heldUnresponsive: ReadonlyMap<string, number>;
  /** Hosts at which a project gets no permit now, since earlier attempts of it wait there: their `placeOf`. */
  slow: ReadonlySet<string>;
  /** In the first pass of a search, permits for unresponsive hosts go only to projects that hold few of them. */
  isFirstPass: boolean;
}

/** A due notification and its place in the order of its host. */
export interface DueNotification {
  id: string;
  project: string;
  projectPosition: number;
  /** Number of claims that its project would have at this host after this claim. */
  rank: number;
}

/** A host with due notifications. */
export interface DueHost {
  host: string;
  position: number;
  due: DueNotification[];
  freePermits: number;
  isResponsive: boolean;
  claimedAtMs: number;
  hostProjects: number;
  /** The last project of the query's result if the host may have more projects, otherwise ''. */
  cutAfter: string;
}

/** A due notification that may get a permit. */
export interface Offer extends DueNotification {
  host: DueHost;
  /** Place in the list of the host's due notifications. */
  place: number;
}

/** Shares without limits, for claims that are bounded by host only. */
export const UNSHARED: PermitShares = {
  unresponsive: Infinity,
  unresponsiveInAll: Infinity,
  unresponsiveReserved: 0,
  perProject: Infinity,
  held: new Map(),
  heldUnresponsive: new Map(),
  slow: new Set(),
  isFirstPass: false,
};

/** A host and a project, as one text. */
export function placeOf({ host, projectId }: { host: string; projectId: string | null }): string {
  return `${host} ${projectId ?? ''}`;
}

/** The free permits of one claim. */
export class PermitPool {
  readonly chosen: Offer[] = [];
  /** True if an offer was skipped that a later pass may take. */
  isHeldBack = false;
  #unresponsiveLeft: number;
  readonly #byHost = new Map<DueHost, number>();
  readonly #held: Map<string, number>;
  readonly #heldUnresponsive: Map<string, number>;

  constructor(
    private readonly limit: number,
    private readonly shares: PermitShares,
  ) {
    this.#unresponsiveLeft = shares.unresponsive;
    this.#held = new Map(shares.held);
    this.#heldUnresponsive = new Map(shares.heldUnresponsive);
  }

  /** Chooses the offer if a permit is free for it. */
  acquire(offer: Offer): void {
    const { project, host } = offer;
    if (this.shares.slow.has(placeOf({ host: host.host, projectId: project }))) return;
    if (this.chosen.length >= this.limit || countOf(this.#byHost, host) >= host.freePermits) return;
    if (countOf(this.#held, project) >= this.shares.perProject) return;
    if (!host.isResponsive && !this.#acquireUnresponsive(project)) return;
    this.#held.set(project, countOf(this.#held, project) + 1);
    this.#byHost.set(host, countOf(this.#byHost, host) + 1);
    this.chosen.push(offer);
  }

  /** Permits left for unresponsive hosts, without the reserved ones. */
  get unresponsiveForAny(): number {
    return this.#unresponsiveLeft - this.shares.unresponsiveReserved;
  }

  #acquireUnresponsive(project: string): boolean {
    const left = this.#heldUnresponsive.has(project) ? this.unresponsiveForAny : this.#unresponsiveLeft;
    if (left <= 0) return false;
    if (this.shares.isFirstPass && this.#holdsItsShare(project)) {
      this.isHeldBack = true;
      return false;
    }
    this.#unresponsiveLeft -= 1;
    this.#heldUnresponsive.set(project, countOf(this.#heldUnresponsive, project) + 1);
    return true;
  }

  /** True if one more project could no longer get as many permits for unresponsive hosts as this one holds. */
  #holdsItsShare(project: string): boolean {
    const held = countOf(this.#heldUnresponsive, project);
    return held > 0 && held >= this.shares.unresponsiveInAll / (this.#heldUnresponsive.size + 1);
  }
}

function countOf<Key>(counts: ReadonlyMap<Key, number>, key: Key): number {
  return counts.get(key) ?? 0;
}

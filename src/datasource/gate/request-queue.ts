import type { RequestOrigin } from './queue-ticket.js';

/** A request that waits for its permit. It may be in several queues. */
export interface WaitingRequest {
  readonly ticket: number;
  readonly isShared: boolean;
  readonly origin: RequestOrigin | undefined;
  /** The request has its permit, or was dropped. */
  readonly isGone: () => boolean;
  readonly begin: (isSlow: boolean) => void;
}

/**
 * Waiting requests of one project, the lowest ticket first. Shared requests (which answer several queries) and single
 * ones alternate, so that a cheap request never waits behind all costly ones, and neither kind can starve the other.
 */
export class RequestQueue {
  readonly #kinds: [shared: WaitingRequest[], single: WaitingRequest[]] = [[], []];
  #next: 0 | 1 = 0;

  push(waiting: WaitingRequest): void {
    const requests = this.#kinds[waiting.isShared ? 0 : 1];
    dropGone(requests);
    let [from, to] = [0, requests.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((requests[middle] as WaitingRequest).ticket <= waiting.ticket) from = middle + 1;
      else to = middle;
    }
    requests.splice(from, 0, waiting);
  }

  /** The request that is served next in this queue. */
  first(): WaitingRequest | undefined {
    return this.#firstOf(this.#next) ?? this.#firstOf(other(this.#next));
  }

  shift(): WaitingRequest | undefined {
    const kind = this.#firstOf(this.#next) ? this.#next : other(this.#next);
    const waiting = this.#firstOf(kind);
    this.#kinds[kind].shift();
    this.#next = other(kind);
    return waiting;
  }

  #firstOf(kind: 0 | 1): WaitingRequest | undefined {
    const requests = this.#kinds[kind];
    dropGone(requests);
    return requests[0];
  }
}

function other(kind: 0 | 1): 0 | 1 {
  return kind === 0 ? 1 : 0;
}

/** Removes requests that no longer wait, in one cut: after a batch they may be most of the queue. */
function dropGone(requests: WaitingRequest[]): void {
  let gone = 0;
  while (requests[gone]?.isGone()) gone += 1;
  if (gone > 0) requests.splice(0, gone);
}

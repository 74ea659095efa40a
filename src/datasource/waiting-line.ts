import type { Origin } from './queue-place.js';

/** A request that waits for its permit. It may stand in several lines. */
export interface Waiting {
  readonly ticket: number;
  readonly isShared: boolean;
  readonly origin: Origin | undefined;
  /** It has its permit, or nothing waits for it any more. */
  isGone(): boolean;
  begin(isSlow: boolean): void;
}

/**
 * Requests that wait for the same turn, the lowest ticket first. Requests that several questions share and single ones take turns, so that a cheap one never
 * stands behind a line of costly ones, and neither kind can keep the other waiting for ever.
 */
export class WaitingLine {
  readonly #kinds: [shared: Waiting[], single: Waiting[]] = [[], []];
  #next: 0 | 1 = 0;

  push(waiting: Waiting): void {
    const requests = this.#kinds[waiting.isShared ? 0 : 1];
    dropGone(requests);
    let [from, to] = [0, requests.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((requests[middle] as Waiting).ticket <= waiting.ticket) from = middle + 1;
      else to = middle;
    }
    requests.splice(from, 0, waiting);
  }

  /** Whose turn it is in this line. */
  first(): Waiting | undefined {
    return this.#firstOf(this.#next) ?? this.#firstOf(other(this.#next));
  }

  shift(): Waiting | undefined {
    const kind = this.#firstOf(this.#next) ? this.#next : other(this.#next);
    const waiting = this.#firstOf(kind);
    this.#kinds[kind].shift();
    this.#next = other(kind);
    return waiting;
  }

  #firstOf(kind: 0 | 1): Waiting | undefined {
    const requests = this.#kinds[kind];
    dropGone(requests);
    return requests[0];
  }
}

function other(kind: 0 | 1): 0 | 1 {
  return kind === 0 ? 1 : 0;
}

/** One cut for all: most of a batch that is over may stand there. */
function dropGone(requests: Waiting[]): void {
  let gone = 0;
  while (requests[gone]?.isGone()) gone += 1;
  if (gone > 0) requests.splice(0, gone);
}

import { useContext, useEffect, useRef, useState } from 'preact/hooks';

import { bodyOf, client, RequestRefused } from '../requests/client.js';
import { RESET, type LiveEvent } from '../requests/live-events.js';
import { LiveContext } from '../requests/live.js';
import type { LiveTabs } from '../requests/live-tabs.js';
import { beginWork, finishWork } from '../requests/long-work.js';
import { pageUserKey, usePageUser } from '../requests/page-user.js';
import { parseAddress, PROJECT } from '../shell/address.js';
import { now, rest } from '../shell/clock.js';
import type { ReplayQuery } from './notification-list.js';
import { OutcomeFollower, type ReplayOutcome } from './replay-outcome.js';

/** What is to be sent again: all that match, and ended before a time, so that it ends even if all die again. */
export interface ReplayPlan {
  query: ReplayQuery & { ended_before: string };
  /** Number of notifications that match. */
  total: number;
  /** False if more match than were counted. */
  isComplete: boolean;
}

/** How far a replay is. */
export interface ReplayProgress extends ReplayPlan {
  sent: number;
  /** True if a request was given up whose outcome is unknown: more may have been sent than are counted. */
  isCut: boolean;
  /** Number of notifications that were left out, since an edit has removed their action. */
  removed: number;
  /** How those that were sent again have ended. */
  outcome: ReplayOutcome;
  phase: 'sending' | 'waiting' | 'done' | 'stopped' | 'failed';
  /** While it waits: when it goes on. */
  until?: Date;
  /** Why it waits or failed. */
  failure?: unknown;
}

/** A replay of many requests, and what can be done with it. */
export interface ReplayJob {
  /** Undefined before the first one, and after `dismiss`. */
  progress: ReplayProgress | undefined;
  start: (plan: ReplayPlan) => void;
  stop: () => void;
  /** Sends the rest after a stop or a failure. */
  goOn: () => void;
  dismiss: () => void;
}

/** A replay as all views see it. It goes on when its view is left, and stops with its user. */
class ReplayRunner {
  /** A key of the user, and of the project in whose name requests are sent. */
  #owner: string | undefined;
  #progress: ReplayProgress | undefined;
  #work: AbortController | undefined;
  #follower = new OutcomeFollower(0);
  /** The stream that tells how the notifications end. It is closed with its user. */
  #live: LiveTabs | undefined;
  #stopListening = (): void => undefined;
  readonly #watchers = new Set<(hasSent: boolean) => void>();

  progressFor(owner: string): ReplayProgress | undefined {
    return owner === this.#owner ? this.#progress : undefined;
  }

  /** Calls `watcher` when the progress has changed; with true when a part was sent. Returns the function to stop it. */
  watch(watcher: (hasSent: boolean) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Begins a replay. `live`: the stream, which tells how the notifications end; undefined if there is none. */
  start(owner: string, plan: ReplayPlan, live: LiveTabs | undefined): void {
    this.#follower = new OutcomeFollower(Date.parse(plan.query.ended_before));
    this.#listen(live);
    const outcome = this.#follower.outcome();
    this.run(owner, { ...plan, sent: 0, isCut: false, removed: 0, outcome, phase: 'sending' });
  }

  /** Goes on in the present stream of the owner. What happened since the one before was closed was not seen. */
  follow(owner: string, live: LiveTabs | undefined): void {
    const progress = this.progressFor(owner);
    if (progress === undefined || live === this.#live || this.#follower.isOver()) return;
    this.#follower.hear([RESET]);
    this.#listen(live);
    this.#show(progress);
  }

  run(owner: string, from: ReplayProgress): void {
    this.stop();
    const work = beginWork();
    [this.#owner, this.#work] = [owner, work];
    work.signal.addEventListener('abort', () => {
      if (!this.#progress) return;
      const isCut = this.#progress.isCut || this.#progress.phase === 'sending';
      this.#show({ ...without(this.#progress), isCut, phase: 'stopped' });
    });
    this.#show(from);
    void this.#send(from, work).finally(() => {
      finishWork(work);
      if (this.#work === work) this.#work = undefined;
    });
  }

  stop(): void {
    this.#work?.abort();
    this.#work = undefined;
  }

  dismiss(): void {
    this.#stopListening();
    this.#show(undefined);
  }

  async #send(from: ReplayProgress, work: AbortController): Promise<void> {
    const { signal } = work;
    const isAborted = (): boolean => signal.aborted;
    const project = chosenProject();
    let progress = from;
    while (!isAborted()) {
      // Another project may be in the address already, before the page has read its user again.
      if (chosenProject() !== project) return work.abort();
      try {
        progress = await this.#sendPart(progress, signal);
        if (!isAborted()) this.#show(progress, true);
        if (progress.phase === 'done') return;
      } catch (failure) {
        if (isAborted()) return;
        const waitS = failure instanceof RequestRefused ? failure.retryAfterS : undefined;
        const isCut = progress.isCut || !(failure instanceof RequestRefused);
        if (waitS === undefined) return this.#show({ ...progress, isCut, phase: 'failed', failure });
        this.#show({ ...progress, phase: 'waiting', failure, until: new Date(now().getTime() + waitS * 1_000) });
        await rest(waitS * 1_000, signal);
        if (!isAborted()) this.#show(progress);
      }
    }
  }

  async #sendPart(progress: ReplayProgress, signal: AbortSignal): Promise<ReplayProgress> {
    const { query, sent } = progress;
    const part = await bodyOf(client.POST('/v1/notifications/replay', { params: { query }, signal }));
    this.#follower.add(part.notification_ids);
    if (!part.has_more) this.#follower.complete();
    const phase = part.has_more ? 'sending' : 'done';
    return { ...without(progress), sent: sent + part.replayed, removed: part.removed, phase };
  }

  #listen(live: LiveTabs | undefined): void {
    this.#stopListening();
    this.#live = live;
    const follower = this.#follower;
    const hear = (events: readonly LiveEvent[]): void => {
      if (follower.hear(events)) this.#show(this.#progress);
    };
    this.#stopListening = live?.listen(hear) ?? (() => undefined);
  }

  #show(progress: ReplayProgress | undefined, hasSent = false): void {
    if (this.#follower.isOver()) this.#stopListening();
    this.#progress = progress && { ...progress, outcome: this.#follower.outcome() };
    for (const watcher of [...this.#watchers]) watcher(hasSent);
  }
}

const runner = new ReplayRunner();

/**
 * The replay of the user. `onPart` is called after each part that was sent. What matches is sent again request by
 * request. When the service says to wait, it waits.
 */
export function useReplayJob(onPart: () => void): ReplayJob {
  const owner = pageUserKey(usePageUser());
  const live = useContext(LiveContext);
  const [, setRound] = useState(0);
  const latest = useRef(onPart);
  latest.current = onPart;
  useEffect(() => {
    const follow = (hasSent: boolean): void => {
      setRound((before) => before + 1);
      if (hasSent) latest.current();
    };
    follow(false); // something may have changed since the element was rendered
    return runner.watch(follow);
  }, []);
  useEffect(() => runner.follow(owner, live), [owner, live]);
  const progress = runner.progressFor(owner);
  return {
    progress,
    start: (plan) => runner.start(owner, plan, live),
    stop: () => runner.stop(),
    goOn: () => progress && runner.run(owner, { ...without(progress), phase: 'sending' }),
    dismiss: () => runner.dismiss(),
  };
}

function chosenProject(): string {
  return parseAddress(location.hash).query.get(PROJECT) ?? '';
}

/** Progress without what belongs to a phase. */
function without({ until: _, failure: __, ...progress }: ReplayProgress): ReplayProgress {
  return progress;
}

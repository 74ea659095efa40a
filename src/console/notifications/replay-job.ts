import { useEffect, useRef, useState } from 'preact/hooks';

import { bodyOf, client, RequestRefused } from '../requests/client.js';
import { parseAddress, PROJECT } from '../shell/address.js';
import { after, now } from '../shell/clock.js';
import type { ReplayQuery } from './notification-list.js';

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
  /** Number of notifications that were left out, since an edit has removed their action. */
  removed: number;
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

/**
 * Replays what matches, request by request. When the service says to wait, it waits. It stops when the element leaves
 * the page, or `project` changes, in whose name requests are sent.
 */
export function useReplayJob(project: string, onPart: () => void): ReplayJob {
  const [progress, setProgress] = useState<ReplayProgress>();
  const running = useRef<AbortController | undefined>(undefined);
  const latest = useRef(onPart);
  latest.current = onPart;
  const run = (from: ReplayProgress): void => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    const show = (shown: ReplayProgress): void => {
      if (!control.signal.aborted) setProgress(shown);
    };
    // Another project may be in the address already, before this element is rendered again.
    const mayGoOn = (): boolean => !control.signal.aborted && chosenProject() === project;
    void replayAll(from, { signal: control.signal, mayGoOn, show, onPart: () => latest.current() });
  };
  const stop = (): void => {
    running.current?.abort();
    setProgress((before) => before && { ...without(before), phase: 'stopped' });
  };
  useEffect(
    () => () => {
      running.current?.abort();
      setProgress(undefined);
    },
    [project],
  );
  return {
    progress,
    start: (plan) => run({ ...plan, sent: 0, removed: 0, phase: 'sending' }),
    stop,
    goOn: () => progress && run({ ...without(progress), phase: 'sending' }),
    dismiss: () => setProgress(undefined),
  };
}

interface Follower {
  signal: AbortSignal;
  /** False once a request would be sent in the name of another project, or none should be sent any more. */
  mayGoOn: () => boolean;
  show: (progress: ReplayProgress) => void;
  /** Called after each part that was sent. */
  onPart: () => void;
}

async function replayAll(from: ReplayProgress, { signal, mayGoOn, show, onPart }: Follower): Promise<void> {
  let progress = from;
  while (mayGoOn()) {
    show(progress);
    try {
      const { query } = progress;
      const { replayed, removed, has_more } = await bodyOf(
        client.POST('/v1/notifications/replay', { params: { query }, signal }),
      );
      progress = { ...without(progress), sent: progress.sent + replayed, removed, phase: 'sending' };
      if (!has_more) progress.phase = 'done';
      onPart();
    } catch (failure) {
      const waitS = failure instanceof RequestRefused ? failure.retryAfterS : undefined;
      if (waitS === undefined) return show({ ...progress, phase: 'failed', failure });
      show({ ...progress, phase: 'waiting', failure, until: new Date(now().getTime() + waitS * 1_000) });
      await rest(waitS * 1_000, signal);
    }
    if (progress.phase === 'done') return show(progress);
  }
}

function chosenProject(): string {
  return parseAddress(location.hash).query.get(PROJECT) ?? '';
}

/** Progress without what belongs to a phase. */
function without({ until: _, failure: __, ...progress }: ReplayProgress): ReplayProgress {
  return progress;
}

/** Resolves after a time, or at once when the signal aborts. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(ms, resolve);
    signal.addEventListener('abort', () => {
      cancel();
      resolve();
    });
  });
}

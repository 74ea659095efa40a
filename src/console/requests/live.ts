import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';

import { after, now } from '../shell/clock.js';
import { RESET, type LiveEvent, type LiveEventName } from './live-events.js';
import type { LiveTabs } from './live-tabs.js';

export type { LiveEvent, LiveEventName };

/** The events that an element needs. */
export interface LiveInterest {
  events: readonly LiveEventName[];
  /** Only events of this alarm, and those that belong to no alarm. */
  alarmId?: string;
}

/** Provided by the frame of the page; undefined until the user is known. */
export const LiveContext = createContext<LiveTabs | undefined>(undefined);

/**
 * Calls `onEvents` after events that the element needs: at most once a second, so that a burst costs one request, and
 * only while the tab is visible. Most elements send their request again:
 * `useLive({ events: ['silence'] }, answer.again)`.
 */
export function useLive({ events, alarmId }: LiveInterest, onEvents: (events: readonly LiveEvent[]) => void): void {
  const live = useContext(LiveContext);
  const latest = useRef(onEvents);
  latest.current = onEvents;
  const names = events.join(' ');
  useEffect(() => {
    if (live === undefined) return undefined;
    const wanted = new Set(names.split(' '));
    const collector = new EventCollector((collected) => latest.current(collected));
    const stop = live.listen((arrived) => collector.add(arrived.filter((event) => isWanted(event, wanted, alarmId))));
    return () => {
      stop();
      collector.close();
    };
  }, [live, names, alarmId]);
}

/** True while events arrive; undefined until that is known. */
export function useIsLive(live: LiveTabs | undefined): boolean | undefined {
  const [isLive, setIsLive] = useState(live?.isLive());
  useEffect(() => {
    const follow = (): void => setIsLive(live?.isLive());
    follow();
    return live?.watch(follow);
  }, [live]);
  return isLive;
}

function isWanted(event: LiveEvent, wanted: ReadonlySet<string>, alarmId: string | undefined): boolean {
  if (event.name === 'reset') return true;
  if (!wanted.has(event.name)) return false;
  return alarmId === undefined || !('alarm_id' in event.data) || event.data.alarm_id === alarmId;
}

const PAUSE_MS = 1_000;
/** Events of one transaction cost one request. The random part keeps browsers from sending requests at one moment. */
const LEAST_WAIT_MS = 50;
const SPREAD_MS = 200;
/** More events than this are replaced by a reset. */
const MOST_EVENTS = 500;

/** Collects events, and passes them on at most once a second while the tab is visible. */
class EventCollector {
  #events: LiveEvent[] = [];
  #nextMs = 0;
  #cancel: (() => void) | undefined;

  constructor(private readonly give: (events: readonly LiveEvent[]) => void) {
    document.addEventListener('visibilitychange', this.#schedule);
  }

  add(events: readonly LiveEvent[]): void {
    this.#events.push(...events);
    if (this.#events.length > MOST_EVENTS) this.#events = [RESET];
    this.#schedule();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#schedule);
    this.#cancel?.();
  }

  readonly #schedule = (): void => {
    if (this.#events.length === 0 || this.#cancel || document.hidden) return;
    // At most the pause, even if the clock of the computer was set back.
    const restMs = Math.min(this.#nextMs - now().getTime(), PAUSE_MS);
    const waitMs = Math.max(restMs, LEAST_WAIT_MS + Math.random() * SPREAD_MS);
    this.#cancel = after(waitMs, () => {
      this.#cancel = undefined;
      this.#nextMs = now().getTime() + PAUSE_MS;
      this.give(this.#events.splice(0));
    });
  };
}

import type { MatchedAlarm } from '../../alarm/silence/matchers.js';
import { SilenceOpenings } from '../../alarm/silence/openings.js';
import type { SilenceIndex } from '../../alarm/silence/silence-index.js';
import { ALL_SILENCED, type OpenSilence, type Silence } from '../../alarm/silence/silence.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import type { Sql } from '../database.js';
import { KeptSilences } from './kept-silences.js';

/** Matchers that are tested without a pause. Each takes some microseconds at most. */
const TESTS_WITHOUT_PAUSE = 2_000;

/** Reads which silences hold alarms. */
export class OpenSilences {
  readonly #openings = new SilenceOpenings();
  readonly #kept = new KeptSilences();

  /**
   * One silence of each alarm that is held, by the id of the alarm. Call it in the transaction that decides on the
   * alarms, so that it sees the silences of that moment.
   */
  holding(sql: Sql, alarms: readonly MatchedAlarm[], at: Date): Promise<Map<string, OpenSilence>> {
    return this.#search(sql, alarms, { at, search: firstOf });
  }

  /** All silences of each alarm that is held, by the id of the alarm, the oldest first. */
  allHolding(sql: Sql, alarms: readonly MatchedAlarm[], at: Date): Promise<Map<string, OpenSilence[]>> {
    return this.#search(sql, alarms, { at, search: oldestFirst });
  }

  async #search<T>(
    sql: Sql,
    alarms: readonly MatchedAlarm[],
    { at, search }: { at: Date; search: (open: Iterable<OpenSilence>) => T | undefined },
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    if (alarms.length === 0) return found;
    const projects = new Set(alarms.map(({ projectId }) => projectId ?? ''));
    const indexes = await this.#kept.candidates(sql, [...projects, ALL_SILENCED], at);
    if (indexes.size === 0) return found;
    const openOf = this.#opener(at);
    let tests = 0;
    for (const alarm of alarms) {
      const groups = [alarm.projectId ?? '', ALL_SILENCED, null].flatMap((project) => indexes.get(project) ?? []);
      const result = search(openSilencesOf(alarm, groups, openOf));
      if (result !== undefined) found.set(alarm.id, result);
      tests += groups.reduce((sum, { cost }) => sum + cost, 1);
      if (tests < TESTS_WITHOUT_PAUSE) continue;
      await yieldToEventLoop();
      tests = 0;
    }
    return found;
  }

  /** A function that says whether a silence is open at this time, and until when. It computes each opening once. */
  #opener(at: Date): Opener {
    const computed = new Map<Silence, OpenSilence | undefined>();
    return (silence) => {
      if (computed.has(silence)) return computed.get(silence);
      const opening = this.#openings.openingOf(silence, at);
      const open = opening && opening.startsAt <= at ? { ...silence, until: opening.endsAt } : undefined;
      computed.set(silence, open);
      return open;
    };
  }
}

type Opener = (silence: Silence) => OpenSilence | undefined;

/** The open silences of these groups that hold the alarm. */
function* openSilencesOf(
  alarm: MatchedAlarm,
  groups: readonly SilenceIndex<Silence>[],
  openOf: Opener,
): Iterable<OpenSilence> {
  for (const group of groups)
    for (const silence of group.of(alarm)) {
      const open = openOf(silence);
      if (open) yield open;
    }
}

function firstOf(silences: Iterable<OpenSilence>): OpenSilence | undefined {
  for (const silence of silences) return silence;
  return undefined;
}

function oldestFirst(silences: Iterable<OpenSilence>): OpenSilence[] | undefined {
  const all = [...silences];
  const order = (a: OpenSilence, b: OpenSilence): number => +a.createdAt - +b.createdAt || (a.id < b.id ? -1 : 1);
  return all.length === 0 ? undefined : all.sort(order);
}

import type { MatchedAlarm } from '../../alarm/silence/matchers.js';
import { SilenceOpenings } from '../../alarm/silence/openings.js';
import { SilenceIndex } from '../../alarm/silence/silence-index.js';
import { ALL_SILENCED, type OpenSilence } from '../../alarm/silence/silence.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import type { Sql } from '../database.js';
import { KeptSilences } from './kept-silences.js';

/** Matchers that are tested without a pause. Each takes some microseconds at most. */
const TESTS_WITHOUT_PAUSE = 2_000;

/** Reads which silences hold alarms. */
export class OpenSilences {
  readonly #openings = new SilenceOpenings();
  readonly #kept = new KeptSilences();

  /** The open silences that may hold alarms of these projects ('' for none). */
  async #of(sql: Sql, projects: Iterable<string>, at: Date): Promise<SilenceIndex<OpenSilence> | undefined> {
    const candidates = await this.#kept.candidates(sql, [...new Set([...projects, ALL_SILENCED])], at);
    const open = candidates.flatMap(({ silence, matches }) => {
      const opening = this.#openings.openingOf(silence, at);
      return opening && opening.startsAt <= at ? [{ silence: { ...silence, until: opening.endsAt }, matches }] : [];
    });
    return open.length === 0 ? undefined : new SilenceIndex(open);
  }

  /**
   * One silence of each alarm that is held, by the id of the alarm. Call it in the transaction that decides on the
   * alarms, so that it sees the silences of that moment.
   */
  holding(sql: Sql, alarms: readonly MatchedAlarm[], at: Date): Promise<Map<string, OpenSilence>> {
    return this.#search(sql, alarms, at, (index, alarm) => index.firstOf(alarm));
  }

  /** All silences of each alarm that is held, by the id of the alarm. */
  allHolding(sql: Sql, alarms: readonly MatchedAlarm[], at: Date): Promise<Map<string, OpenSilence[]>> {
    return this.#search(sql, alarms, at, (index, alarm) => {
      const all = [...index.of(alarm)];
      return all.length === 0 ? undefined : all;
    });
  }

  async #search<T>(
    sql: Sql,
    alarms: readonly MatchedAlarm[],
    at: Date,
    search: (index: SilenceIndex<OpenSilence>, alarm: MatchedAlarm) => T | undefined,
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    if (alarms.length === 0) return found;
    const projects = alarms.map(({ projectId }) => projectId ?? '');
    const index = await this.#of(sql, projects, at);
    if (!index) return found;
    let tests = 0;
    for (const alarm of alarms) {
      const result = search(index, alarm);
      if (result !== undefined) found.set(alarm.id, result);
      tests += index.cost;
      if (tests < TESTS_WITHOUT_PAUSE) continue;
      await yieldToEventLoop();
      tests = 0;
    }
    return found;
  }
}

import { alarmMatcher, type MatchedAlarm } from '../../alarm/silence/matchers.js';
import type { Silence } from '../../alarm/silence/silence.js';
import type { Sql } from '../database.js';
import { SILENCE_COLUMNS, toSilence, type SilenceRow } from './silence-row.js';

/** A silence with its matchers made ready. */
export interface ReadySilence {
  silence: Silence;
  matches: (alarm: MatchedAlarm) => boolean;
}

type Revised = ReadySilence & { revision: string };

/**
 * Silences that may be open at a time. A project has at most `MOST_SILENCES`; those of several projects are as many.
 * The two conditions on projects are in two parts, each of which an index answers.
 */
const CANDIDATES = `
  select s.id, s.revision, s.created_at from silences s
   where s.project = any($1::text[]) and s.over_at > $2 and s.starts_at <= $2
  union all
  select s.id, s.revision, s.created_at from silences s
   where s.project is null and s.projects && $1::text[] and s.over_at > $2 and s.starts_at <= $2
   order by created_at, id`;
const BY_ID = `select ${SILENCE_COLUMNS}, s.revision from silences s where s.id = any($1::text[])`;

/** Most silences in memory. At that number all are forgotten. */
const MOST_KEPT = 20_000;

/**
 * Reads silences, and keeps them in memory by their revision. The database says each time which ones there are; a
 * silence is read again and its matchers are made only after a change, since that takes longer than all the rest.
 */
export class KeptSilences {
  readonly #kept = new Map<string, Revised>();

  /** The silences of these projects that may be open, oldest first. */
  async candidates(sql: Sql, projects: readonly string[], at: Date): Promise<ReadySilence[]> {
    const { rows } = await sql.query<{ id: string; revision: string }>(CANDIDATES, [projects, at]);
    const known = new Map<string, ReadySilence>();
    for (const { id, revision } of rows) {
      const kept = this.#kept.get(id);
      if (kept?.revision === revision) known.set(id, kept);
    }
    const changed = rows.flatMap(({ id }) => (known.has(id) ? [] : id));
    for (const one of await this.#read(sql, changed)) known.set(one.silence.id, one);
    return rows.flatMap(({ id }) => known.get(id) ?? []);
  }

  async #read(sql: Sql, ids: readonly string[]): Promise<Revised[]> {
    if (ids.length === 0) return [];
    const { rows } = await sql.query<SilenceRow & { revision: string }>(BY_ID, [ids]);
    const read = rows.map((row): Revised => {
      const silence = toSilence(row);
      return { silence, matches: alarmMatcher(silence.matchers), revision: row.revision };
    });
    if (this.#kept.size + read.length > MOST_KEPT) this.#kept.clear();
    for (const one of read) this.#kept.set(one.silence.id, one);
    return read;
  }
}

import { alarmMatcher } from '../../alarm/silence/matchers.js';
import { SilenceIndex, type IndexedSilence } from '../../alarm/silence/silence-index.js';
import type { Silence } from '../../alarm/silence/silence.js';
import type { Sql } from '../database.js';
import { SILENCE_COLUMNS, toSilence, type SilenceRow } from './silence-row.js';

/** The project of a group of silences: those of one project, of all (`*`), or null: those of several projects. */
type GroupProject = string | null;

interface KeptGroup {
  /** Changes with each silence that comes, goes or is edited. */
  fingerprint: string;
  index: SilenceIndex<Silence>;
}

type ReadySilence = IndexedSilence<Silence> & { revision: string };

interface GroupRow {
  project: GroupProject;
  fingerprint: string;
  /** The id and the revision of each silence; null if the fingerprint is a known one. */
  silences: [id: string, revision: string][] | null;
}

/**
 * The silences that may be open at a time, in groups. A project has at most `MOST_SILENCES`; those of several projects
 * are as many, and all of them are in one group, so that it is the same for each batch of alarms. The two parts of
 * `candidates` are each answered by an index.
 */
const GROUPS = `
  with candidates as (
    select s.project, s.id, s.revision from silences s
     where s.project = any($1::text[]) and s.over_at > $2 and s.starts_at <= $2
    union all
    select null, s.id, s.revision from silences s
     where s.project is null and s.over_at > $2 and s.starts_at <= $2
  ), fingerprints as (
    select project, count(*) || ' ' || sum(hashtextextended(id || ' ' || revision, 0)) as fingerprint
      from candidates group by project
  )
  select f.project, f.fingerprint,
         case when f.fingerprint <> all($3::text[])
              then (select json_agg(json_build_array(c.id, c.revision::text)) from candidates c
                     where c.project is not distinct from f.project) end as silences
    from fingerprints f`;
const BY_ID = `select ${SILENCE_COLUMNS} from silences s where s.id = any($1::text[])`;

/** Most silences in memory. At that number all are forgotten. */
const MOST_KEPT = 20_000;

/**
 * Reads silences, and keeps them in memory with the index of their group. The database says each time whether a group
 * has changed: to read a thousand rows and to index them takes far longer than to store a transition. Of a group that
 * has changed, only the silences with a new revision are read.
 */
export class KeptSilences {
  readonly #groups = new Map<GroupProject, KeptGroup>();
  readonly #silences = new Map<string, ReadySilence>();

  /** Indexes of the silences that may be open: of each of these projects, and under null of several projects. */
  async candidates(sql: Sql, projects: readonly string[], at: Date): Promise<Map<GroupProject, SilenceIndex<Silence>>> {
    const known = new Map([...projects, null].map((project) => [project, this.#groups.get(project)]));
    const fingerprints = [...known.values()].flatMap((group) => group?.fingerprint ?? []);
    const { rows } = await sql.query<GroupRow>(GROUPS, [projects, at, fingerprints]);
    const found = new Map<GroupProject, SilenceIndex<Silence>>();
    for (const { project, fingerprint, silences } of rows) {
      const group = silences === null ? known.get(project) : await this.#group(sql, fingerprint, silences);
      if (!group) throw new Error(`the silences of group ${project ?? 'null'} were neither kept nor read`);
      this.#groups.set(project, group);
      found.set(project, group.index);
    }
    return found;
  }

  async #group(sql: Sql, fingerprint: string, listed: [id: string, revision: string][]): Promise<KeptGroup> {
    const ready = new Map<string, ReadySilence>();
    for (const [id, revision] of listed) {
      const kept = this.#silences.get(id);
      if (kept?.revision === revision) ready.set(id, kept);
    }
    const changed = listed.flatMap(([id]) => (ready.has(id) ? [] : id));
    for (const one of await this.#read(sql, changed)) ready.set(one.silence.id, one);
    return { fingerprint, index: new SilenceIndex(ready.values()) };
  }

  async #read(sql: Sql, ids: readonly string[]): Promise<ReadySilence[]> {
    if (ids.length === 0) return [];
    const { rows } = await sql.query<SilenceRow>(BY_ID, [ids]);
    const read = rows.map((row): ReadySilence => {
      const silence = toSilence(row);
      return { silence, matches: alarmMatcher(silence.matchers), revision: row.revision };
    });
    if (this.#silences.size + read.length > MOST_KEPT) {
      this.#silences.clear();
      this.#groups.clear();
    }
    for (const one of read) this.#silences.set(one.silence.id, one);
    return read;
  }
}

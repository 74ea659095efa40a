import type { MatchedAlarm } from './matchers.js';
import { ALL_SILENCED, type Silence } from './silence.js';

type SilenceCandidate = Pick<Silence, 'projects' | 'matchers'>;

/** A silence, and the predicate of its matchers. */
export interface IndexedSilence<S> {
  silence: S;
  matches: (alarm: MatchedAlarm) => boolean;
}

/**
 * Silences for a search by alarm. Silences of one alarm are found by its id, so many of these cost no more than a few.
 */
export class SilenceIndex<S extends SilenceCandidate> {
  readonly #byAlarm = new Map<string, IndexedSilence<S>[]>();
  readonly #byProject = new Map<string, IndexedSilence<S>[]>();

  /** Most matchers that one search tests. */
  readonly cost: number;

  constructor(silences: Iterable<IndexedSilence<S>>) {
    for (const entry of silences) {
      const { silence } = entry;
      const alarmId = silence.matchers.find(({ field }) => field === 'alarm_id')?.value;
      if (alarmId === undefined) for (const project of silence.projects) add(this.#byProject, project, entry);
      else add(this.#byAlarm, alarmId, entry);
    }
    let most = 1;
    for (const { length } of this.#byProject.values()) most = Math.max(most, length);
    this.cost = most;
  }

  /** All silences that hold this alarm, in the order in which they were given, those of its id first. */
  *of(alarm: MatchedAlarm): Iterable<S> {
    const project = alarm.projectId ?? '';
    for (const { silence, matches } of this.#byAlarm.get(alarm.id) ?? [])
      if ([project, ALL_SILENCED].some((one) => silence.projects.includes(one)) && matches(alarm)) yield silence;
    for (const group of [project, ALL_SILENCED])
      for (const { silence, matches } of this.#byProject.get(group) ?? []) if (matches(alarm)) yield silence;
  }
}

function add<Entry>(group: Map<string, Entry[]>, key: string, entry: Entry): void {
  const known = group.get(key);
  if (known) known.push(entry);
  else group.set(key, [entry]);
}

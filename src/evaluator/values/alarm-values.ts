import type { AlarmState } from '../../alarm/state.js';
import type { DatasourceKind } from '../../alarm/series.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import type { ExplanationStore, StateChange } from '../../storage/evaluation/explanation-store.js';
import type { StoredEvents } from '../../storage/evaluation/stored-events.js';
import { missingBackendOf, type EvaluatedSpan, type JudgedMomentsDeps } from '../judged-moments.js';
import { combinationValues, type CombinationValues, type CombinationValuesDeps } from './combination-values.js';
import { matchedEvents, type MatchedEvents } from './matched-events.js';
import { seriesValues, type SeriesValues } from './series-values.js';

/** Backends and storage that values come from. */
export interface AlarmValuesDeps extends JudgedMomentsDeps, CombinationValuesDeps {
  store: Pick<ExplanationStore, 'statesAt' | 'changesOf' | 'progressOf'>;
  storedEvents: StoredEvents;
}

/** A time span and the time between two of its moments. */
export type ValuesSpan = Pick<EvaluatedSpan, 'start' | 'stop' | 'stepMs'>;

/** What an alarm compared over a time span, and the states that follow. Members of other kinds of alarms are null. */
export interface AlarmValues {
  /** When the alarm was created; null for drafts, or if it is not known. */
  createdAt: Date | null;
  initialState: AlarmState;
  series: SeriesValues | null;
  combination: CombinationValues | null;
  matched: MatchedEvents | null;
  /** The changes of a stored alarm's state; null for drafts. */
  transitions: StateChange[] | null;
  hasMoreTransitions: boolean;
}

/** Most transitions of a stored alarm in one answer. */
const MOST_TRANSITIONS = 1_000;

export type AlarmValuesSource = ReturnType<typeof createAlarmValues>;

/** Evaluates alarms over a time span as backtests and explanations do, and returns what was compared. */
export function createAlarmValues(deps: AlarmValuesDeps) {
  return {
    /** See `missingBackendOf`. */
    missingBackend: (alarm: StoredAlarm): DatasourceKind | undefined => missingBackendOf(deps.datasources, alarm),

    /** Of a stored alarm. The result is incomplete if the signal has aborted. */
    async ofAlarm(alarm: StoredAlarm, span: ValuesSpan, signal: AbortSignal): Promise<AlarmValues> {
      const { start, stop } = span;
      const initialState = (await deps.store.statesAt([alarm.id], start)).get(alarm.id)?.state ?? alarm.state;
      const changes = await deps.store.changesOf([alarm.id], { start, stop, limit: MOST_TRANSITIONS + 1 });
      const progress = await deps.store.progressOf(alarm.id);
      return {
        ...(await valuesOf(deps, { ...span, alarm, initialState }, signal)),
        createdAt: progress?.createdAt ?? null,
        transitions: changes.slice(0, MOST_TRANSITIONS),
        hasMoreTransitions: changes.length > MOST_TRANSITIONS,
      };
    },

    /** Of a definition that is not stored. The result is incomplete if the signal has aborted. */
    async ofDraft(span: EvaluatedSpan, signal: AbortSignal): Promise<AlarmValues> {
      const found = await valuesOf(deps, span, signal);
      return { ...found, createdAt: null, transitions: null, hasMoreTransitions: false };
    },
  };
}

type FoundValues = Omit<AlarmValues, 'createdAt' | 'transitions' | 'hasMoreTransitions'>;

async function valuesOf(deps: AlarmValuesDeps, span: EvaluatedSpan, signal: AbortSignal): Promise<FoundValues> {
  const { initialState, alarm, start, stop } = span;
  const { rule } = alarm;
  const none = { initialState, series: null, combination: null, matched: null };
  if (rule.type === 'event')
    return { ...none, matched: await matchedEvents(deps.storedEvents, { alarm, rule, start, stop }, signal) };
  if (rule.type === 'combination') return { ...none, combination: await combinationValues(deps, span, signal) };
  return { ...none, series: await seriesValues(deps, span, signal) };
}

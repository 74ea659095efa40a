import { decide } from '../../alarm/decide.js';
import type { AlarmState } from '../../alarm/state.js';
import { createOpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import { evaluatedTypeOf, typeOf } from '../../alarm/types/index.js';
import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import type { EvaluationStore, MemberAlarm } from '../../storage/evaluation/evaluation-store.js';
import type { ExplanationStore, StateChange } from '../../storage/evaluation/explanation-store.js';
import { CombinationSnapshot } from '../combination-snapshot.js';
import { momentAfter, momentsIn, momentsOf, type EvaluatedSpan } from '../judged-moments.js';
import { addToBands, type TimeBand } from './time-bands.js';
import { refuseManyPoints } from './value-series.js';

/** Storage that the values of combinations come from. */
export interface CombinationValuesDeps {
  store: Pick<ExplanationStore, 'statesAt' | 'changesOf'>;
  reachableFrom: EvaluationStore['reachableFrom'];
  /** Yields to the event loop. */
  pause: () => Promise<void>;
}

/** The states of a combination's members over a span, and the state that follows from them. */
export interface CombinationValues {
  /** State null: deleted. */
  members: { alarmId: string; states: TimeBand<AlarmState | null>[] }[];
  states: TimeBand<AlarmState>[];
  notEvaluated: TimeBand<true>[];
}

/** Most changes of state, of all alarms below a combination, within a span. */
const MOST_CHANGES = 5_000;
/** States of alarms that are combined between two pauses. */
const STATES_WITHOUT_PAUSE = 2_000;

/**
 * Evaluates a combination at each moment of a span from the past states of its members. The result is incomplete if the
 * signal has aborted.
 * @throws AppError if the alarms below it have too many states or changes.
 */
export async function combinationValues(
  deps: CombinationValuesDeps,
  span: EvaluatedSpan,
  signal: AbortSignal,
): Promise<CombinationValues> {
  const { alarm } = span;
  const memberIds = typeOf(alarm.rule).members(alarm.rule);
  const below = await deps.reachableFrom(memberIds);
  refuseManyPoints(below.length + 1, { moments: momentsIn(span), stepMs: span.stepMs });
  const statesBefore = await pastStates(deps, below, span);
  const openTimes = createOpenTimesSource();
  const ownTimes = openTimes.of(alarm.timeConstraints);
  const members = memberIds.map((alarmId) => ({ alarmId, states: [] as TimeBand<AlarmState | null>[] }));
  const values: CombinationValues = { members, states: [], notEvaluated: [] };
  let state = span.initialState;
  let combined = 0;
  for (const at of momentsOf(span)) {
    if (signal.aborted) break;
    const moment = { at, until: momentAfter(at, span) };
    const past = statesBefore(at);
    const then = below.map((one) => ({ ...one, state: past.get(one.id) ?? one.state }));
    const snapshot = new CombinationSnapshot([...then, memberAlarm(alarm, state)], { now: at, openTimes });
    const states = snapshot.statesBelow(alarm.id);
    for (const { alarmId, states: bands } of members) addToBands(bands, states.get(alarmId) ?? null, moment);
    if (ownTimes.isOpen(at)) state = stateAfter(alarm, state, snapshot);
    else addToBands(values.notEvaluated, true, moment);
    addToBands(values.states, state, moment);
    combined += then.length;
    if (combined < STATES_WITHOUT_PAUSE) continue;
    await deps.pause();
    combined = 0;
  }
  return values;
}

/**
 * The combination itself, which may be a draft. Alarms below a combination cannot have it as a member, so only this
 * one's rule is read.
 */
function memberAlarm({ id, rule, ruleJson, enabled }: StoredAlarm, state: AlarmState): MemberAlarm {
  return {
    id,
    kind: rule.type,
    ruleJson,
    enabled,
    timeConstraintsJson: null,
    state,
    partition: 0,
    evaluationStartedAt: null,
    isLocked: false,
    lastEvaluatedAt: null,
  };
}

function stateAfter(alarm: StoredAlarm, state: AlarmState, snapshot: CombinationSnapshot): AlarmState {
  const { repeatActions } = alarm;
  const decision = decide({ state, repeatActions }, snapshot.verdictOf(alarm.id), evaluatedTypeOf(alarm.rule));
  return decision.kind === 'transition' ? decision.to : state;
}

/** Makes a function that gives the states just before a moment. Call it with moments in their order. */
async function pastStates(
  { store }: CombinationValuesDeps,
  below: readonly MemberAlarm[],
  { start, stop }: EvaluatedSpan,
): Promise<(at: Date) => ReadonlyMap<string, AlarmState>> {
  const ids = below.map(({ id }) => id);
  const changes = await store.changesOf(ids, { start, stop, limit: MOST_CHANGES + 1 });
  if (changes.length > MOST_CHANGES) {
    const message = `The alarms below it changed their states more than ${MOST_CHANGES} times.`;
    const advice = 'Take a shorter time span: let stop be earlier.';
    throw new AppError('invalid_request', `${message} ${advice}`, { field: ['stop'] });
  }
  const states = new Map([...(await store.statesAt(ids, start))].map(([id, { state }]) => [id, state]));
  return inOrder(states, changes);
}

function inOrder(
  states: Map<string, AlarmState>,
  changes: readonly StateChange[],
): (at: Date) => ReadonlyMap<string, AlarmState> {
  let applied = 0;
  return (at) => {
    for (let next = changes[applied]; next !== undefined && next.at < at; next = changes[(applied += 1)]) {
      states.set(next.alarmId, next.to);
    }
    return states;
  };
}

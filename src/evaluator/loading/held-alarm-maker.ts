import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { replaceableReason } from '../../alarm/state-reason.js';
import { createOpenTimesSource } from '../../alarm/time-constraint/open-times.js';
import { parseStoredRule, typeOf } from '../../alarm/types/index.js';
import { toError } from '../../errors.js';
import { parseStoredOptions } from '../../storage/alarms/alarm-row.js';
import type { LoadedAlarm } from '../../storage/evaluation/evaluation-store.js';
import type { HeldAlarm } from '../held-alarm.js';
import { SharedNeeds } from '../shared-needs.js';

const NONE: readonly never[] = [];

/** Makes held alarms from stored ones. Equal parts are shared, since there may be a million. */
export class HeldAlarmMaker {
  readonly #projectIds = new Map<string, string>();
  readonly #sharedNeeds = new SharedNeeds();
  readonly #openTimes = createOpenTimesSource();

  /** `onUnreadable` is called for an alarm that this release cannot parse, such as one of an unknown kind. */
  constructor(private readonly onUnreadable: (alarmId: string, err: Error) => void) {}

  /** Returns undefined for an alarm that cannot be parsed, so that it does not stop the evaluation of the others. */
  tryHold(alarm: LoadedAlarm, ticket: number | undefined): HeldAlarm | undefined {
    try {
      return this.#hold(alarm, ticket);
    } catch (thrown) {
      this.onUnreadable(alarm.id, toError(thrown));
      return undefined;
    }
  }

  #hold(alarm: LoadedAlarm, ticket: number | undefined): HeldAlarm {
    const rule = parseStoredRule(alarm.kind, alarm.ruleJson);
    const options = parseStoredOptions(alarm.optionsJson) ?? NO_OPTIONS;
    return {
      id: alarm.id,
      projectId: this.#oneTextFor(alarm.projectId),
      rule,
      needs: typeOf(rule)
        .seriesNeeded(rule, options)
        .map((need) => this.#sharedNeeds.of(need)),
      options,
      repeats: alarm.repeatActions,
      statesWithActions: alarm.statesWithActions.length === 0 ? NONE : alarm.statesWithActions,
      openTimes: this.#openTimes.ofJson(alarm.timeConstraintsJson),
      partition: alarm.partition,
      definitionVersion: alarm.definitionVersion,
      state: alarm.state,
      stateVersion: alarm.stateVersion,
      ticket,
      shownReason: alarm.shownReason === null ? null : replaceableReason(alarm.state, alarm.shownReason),
      isReasonFound: false,
    };
  }

  #oneTextFor(projectId: string): string {
    const known = this.#projectIds.get(projectId);
    if (known === undefined) this.#projectIds.set(projectId, projectId);
    return known ?? projectId;
  }
}

import { squareWaves } from '../oracle.js';
import type { RecordedTransition, RunRecords } from '../records.js';
import { isPastGrace } from './backend-trouble.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** G3: one transition for each change of a wave, each from the state of the one before it, and none else. */
export function checkOneTransition({ alarms, transitions, faults }: RunRecords): Verdict {
  const problems: string[] = [];
  const watched = new Map(alarms.map((alarm) => [alarm.id, alarm]));
  let unexpected = 0;
  for (const [alarmId, own] of groupBy(transitions, (one) => one.alarmId)) {
    const alarm = watched.get(alarmId);
    problems.push(...chainProblems(alarmId, own, alarm?.isEdited ?? true));
    if (alarm === undefined) continue;
    const { number } = alarm;
    for (const { state, atMs, stateVersion } of own) {
      // The moment of the transition is the moment about which the backend was asked.
      if (squareWaves.stateAt(number, atMs) === state) continue;
      if (state === 'insufficient data' && faults.some((fault) => isPastGrace(fault, atMs))) continue;
      unexpected += 1;
      problems.push(
        `transition ${stateVersion} of wave ${number} to ${state} at ${new Date(atMs).toISOString()} is not the wave's`,
      );
    }
  }
  return verdictOf('G3', { transitions: transitions.length, unexpected }, { absolute: problems });
}

/** An edit sets the state and raises the version without a transition. */
function chainProblems(alarmId: string, own: readonly RecordedTransition[], isEdited: boolean): string[] {
  const problems: string[] = [];
  let before = { stateVersion: 0, state: 'insufficient data' };
  for (const transition of [...own].sort((a, b) => a.stateVersion - b.stateVersion)) {
    const { stateVersion, previousState, state } = transition;
    const name = `transition ${stateVersion} of ${alarmId}`;
    const skipped = stateVersion - before.stateVersion - 1;
    if (skipped < 0) problems.push(`${name} is there twice`);
    else if (skipped > 0 && !isEdited) problems.push(`${name} follows on ${before.stateVersion}`);
    else if (previousState !== (skipped > 0 ? 'insufficient data' : before.state))
      problems.push(`${name} starts from ${previousState ?? 'no state'}, not from ${before.state}`);
    if (previousState === state) problems.push(`${name} leads from ${state} to itself`);
    before = transition;
  }
  return problems;
}

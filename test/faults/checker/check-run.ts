import type { RunRecords } from '../records.js';
import { checkBackendTrouble, hasLongOutage } from './backend-trouble.js';
import { checkBoundedDuplicates } from './bounded-duplicates.js';
import { checkClockIgnored } from './clock-ignored.js';
import { checkCleanStops, checkNoCrash } from './clean-stops.js';
import { checkNoAlarmUnevaluated } from './no-alarm-unevaluated.js';
import { checkNothingLost } from './nothing-lost.js';
import { checkOneTransition } from './one-transition.js';
import { checkOrderKept } from './order-kept.js';
import { checkPromptDelivery } from './prompt-delivery.js';
import { verdictOf, type Verdict } from './verdict.js';
import { checkWritesKept } from './writes-kept.js';

/** The verdicts on all guarantees that the records can judge. A pure function. */
export function checkRun(records: RunRecords): Verdict[] {
  return [
    checkNothingLost(records),
    checkNoAlarmUnevaluated(records),
    checkOneTransition(records),
    checkBoundedDuplicates(records),
    checkOrderKept(records),
    checkPromptDelivery(records),
    ...(hasLongOutage(records) ? [checkBackendTrouble(records)] : []),
    checkWritesKept(records),
    checkNoCrash(records),
    checkClockIgnored(records),
    checkCleanStops(records),
    faultsThatTookEffect(records),
  ];
}

/** A run proves nothing about faults that did nothing: they are named here. */
function faultsThatTookEffect({ faults }: RunRecords): Verdict {
  const without = faults.filter(({ evidence }) => evidence === undefined);
  const kinds = new Set(faults.map(({ kind }) => kind));
  const counts = { injected: faults.length, kinds: kinds.size, withoutEffect: without.length };
  const late = without.map(({ id, kind, detail }) => `${id} ${kind} (${detail}) shows no effect`);
  return verdictOf('faults', counts, { absolute: [], late, isMachineSlow: true });
}

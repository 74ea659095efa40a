import type { ActiveFault, FaultContext, FaultKind } from './fault-kind.js';
import type { RecordedFault } from './records.js';

/** Time in which evidence of a fault must be found after it was healed. */
const EVIDENCE_MS = 15_000;
const POLL_MS = 250;

/**
 * Injects one fault, heals it and looks for its evidence. A short run heals it when it has lasted its shortest time and
 * has taken effect.
 */
export async function injectFault(kind: FaultKind, context: FaultContext, isShort: boolean): Promise<RecordedFault> {
  const { random, sleep } = context;
  const injectedMs = Date.now();
  const active = await kind.inject(context);
  const { fromMs = injectedMs } = active;
  const [shortest, longest] = kind.lastsMs;
  await sleep(isShort ? shortest : shortest + random.next(longest - shortest));
  while (isShort && Date.now() - fromMs < longest && (await evidenceOf(active)) === undefined) await sleep(POLL_MS);
  await active.heal();
  const toMs = Date.now();
  let evidence = await evidenceOf(active);
  while (evidence === undefined && Date.now() - toMs < EVIDENCE_MS) {
    await sleep(POLL_MS);
    evidence = await evidenceOf(active);
  }
  const { id, name, isOutage = false, stopsDelivery } = kind;
  const { detail, jumpMs, onlyReceiver, onlyAlarm, outage, changesMs, mayRepeat = 0 } = active;
  const concerns = { stopsDelivery, jumpMs, onlyReceiver, onlyAlarm, outage };
  return { id, kind: name, detail, fromMs, toMs, evidence, isOutage, mayRepeat, changesMs, ...concerns };
}

/** Undefined also while the database is down. */
function evidenceOf(active: ActiveFault): Promise<string | undefined> {
  return active.evidence().catch(() => undefined);
}

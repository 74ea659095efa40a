import { serviceTime } from '../shell/clock.js';
import type { ShownValues } from '../chart/chart-data.js';
import { bodyOf, client, failureText, RequestRefused, type Schemas } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { useRested } from '../requests/use-rested.js';
import { retriedWhileBusy } from '../requests/while-busy.js';
import { testedDraft, type Draft } from './draft.js';
import { faultOf, stillHolds, type FieldFault } from './faults.js';
import type { PlacedField } from './form-sections.js';

export const SPAN_S = 24 * 3600;
/** Seconds between two evaluations. If a draft has too many series for it, the service says the shortest step. */
const STEP_S = 60;

/** What is known of the values of a draft. */
export interface DraftOutcome {
  /** Of the draft, or of one before it while its own are on their way. */
  values: ShownValues | undefined;
  failure: unknown;
  /** The field that the service refused, until its value changes. */
  fault: FieldFault | undefined;
  isWaiting: boolean;
}

/** An answer about a draft: its values, or why the service refused it. */
type DraftAnswer = { values: ShownValues } | { failure: unknown; fault: FieldFault | undefined };

/**
 * Requests what a draft would have done in the last 24 hours, when typing rests. Nothing is saved.
 * @param isComplete False while a mandatory field has no value; then no request is sent.
 */
export function useDraftValues(draft: Draft, isComplete: boolean, fields: readonly PlacedField[]): DraftOutcome {
  const key = useRested(isComplete ? JSON.stringify({ ...testedDraft(draft), ...UNNAMED }) : undefined);
  const { value, failure, isWaiting } = useAnswer<DraftAnswer>(key, async (signal) => {
    const alarm = JSON.parse(key ?? '{}') as Draft;
    try {
      return { values: await valuesOf(alarm as unknown as Schemas['AlarmRequest'], signal) };
    } catch (thrown) {
      const paths = fields.map(({ path }) => path);
      return { failure: thrown, fault: faultOf(thrown, alarm, paths) };
    }
  });
  if (!isComplete || key === undefined) return { ...NOTHING, isWaiting: isComplete };
  return { ...NOTHING, ...(failure === undefined ? stillTrue(value, draft) : { failure }), isWaiting };
}

const NOTHING: DraftOutcome = { values: undefined, failure: undefined, fault: undefined, isWaiting: false };

/** What an answer says about the draft as it is now: a refusal of a field counts until its value changes. */
function stillTrue(answer: DraftAnswer | undefined, draft: Draft): Partial<DraftOutcome> {
  if (answer === undefined || 'values' in answer) return answer ?? {};
  const { failure, fault } = answer;
  return fault?.path !== undefined && stillHolds(fault, draft) ? { failure, fault } : { failure };
}

/** Fields that do not change the evaluation. They are fixed, so that an edit of them sends no request. */
const UNNAMED = { name: 'draft', description: '', state: undefined };

async function valuesOf(alarm: Schemas['AlarmRequest'], signal: AbortSignal): Promise<ShownValues> {
  const stop = serviceTime();
  const start = new Date(stop.getTime() - SPAN_S * 1000);
  const request = (step: number): Promise<ShownValues> => {
    const span = { start: start.toISOString(), stop: stop.toISOString(), step };
    return bodyOf(client.POST('/v1/alarms/values', { body: { alarm, ...span }, signal }));
  };
  return retriedWhileBusy(signal, async () => {
    try {
      return await request(STEP_S);
    } catch (thrown) {
      const least = /Let step be at least (\d+)/.exec(failureText(thrown))?.[1];
      if (!(thrown instanceof RequestRefused) || thrown.status !== 400 || least === undefined) throw thrown;
      return request(Number(least));
    }
  });
}

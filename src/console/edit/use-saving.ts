import { useState } from 'preact/hooks';

import { haveSameDefinition } from '../requests/alarm-definition.js';
import { DefinitionChanged, readAlarm, type AlarmVersion } from '../requests/alarm-version.js';
import { useLive } from '../requests/live.js';
import { goTo, linkTo } from '../shell/address.js';
import type { Draft, FieldPath } from './draft.js';
import { faultOf, type FieldFault } from './faults.js';
import { createAlarm, replaceAlarm } from './save-draft.js';

/** The draft of an alarm. */
export interface KeptAlarm {
  draft: Draft;
  /** The alarm as it was read, with its `ETag`; for a new alarm the draft at the start. */
  base: Draft;
  tag: string | undefined;
}

/** Why a draft was not saved. */
export interface SavingProblem {
  fault?: FieldFault | undefined;
  failure?: unknown;
  /** The alarm as another request has changed it. */
  theirs?: AlarmVersion;
}

/** The draft to save: a new alarm if `id` is undefined. */
interface SavedDraft {
  id: string | undefined;
  kept: KeptAlarm;
  /** Paths of fields that the form shows. */
  known: readonly FieldPath[];
  onSaved: () => void;
}

/** Saves a draft and goes to its alarm, or returns the problem. */
export function useSaving({ id, kept, known, onSaved }: SavedDraft): {
  problem: SavingProblem;
  isSaving: boolean;
  save: () => Promise<void>;
  forgetProblem: () => void;
} {
  const { draft, base, tag } = kept;
  const [problem, setProblem] = useState<SavingProblem>({});
  const [isSaving, setSaving] = useState(false);
  // Shows the conflict before the draft is saved, if the stream has the change.
  useLive({ events: ['definition'], ...(id !== undefined && { alarmId: id }) }, () => {
    if (id === undefined || isSaving) return;
    readAlarm(id).then(
      (theirs) => theirs !== null && !haveSameDefinition(base, theirs.alarm) && setProblem({ theirs }),
      () => undefined, // saving shows the failure
    );
  });
  const save = async (): Promise<void> => {
    setProblem({});
    setSaving(true);
    try {
      const saved = id ?? (await createAlarm(draft));
      if (id !== undefined) await replaceAlarm(id, draft, { alarm: base, tag });
      onSaved();
      goTo(linkTo('alarm', saved));
    } catch (failure) {
      setSaving(false);
      setProblem(problemOf(failure, draft, known));
    }
  };
  return { problem, isSaving, save, forgetProblem: () => setProblem({}) };
}

function problemOf(failure: unknown, draft: Draft, known: readonly FieldPath[]): SavingProblem {
  if (failure instanceof DefinitionChanged) return { theirs: failure.present };
  const fault = faultOf(failure, draft, known);
  return fault ? { fault } : { failure };
}

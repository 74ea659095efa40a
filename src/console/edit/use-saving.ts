import { useState } from 'preact/hooks';

import { RequestRefused } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { goTo, linkTo } from '../shell/address.js';
import type { Draft, FieldPath } from './draft.js';
import { faultOf, type FieldFault } from './faults.js';
import { createAlarm, readStored, replaceAlarm, type StoredVersion } from './stored.js';

/** Why a draft was not saved. */
export interface SavingProblem {
  fault?: FieldFault | undefined;
  failure?: unknown;
  /** The alarm as another request has changed it. */
  theirs?: StoredVersion;
}

/** The draft to save: a new alarm if `id` is undefined. */
interface SavedDraft {
  id: string | undefined;
  draft: Draft;
  tag: string | undefined;
  /** Paths of fields that the form shows. */
  known: readonly FieldPath[];
  onSaved: () => void;
}

/** Saves a draft and goes to its alarm, or returns the problem. */
export function useSaving({ id, draft, tag, known, onSaved }: SavedDraft): {
  problem: SavingProblem;
  isSaving: boolean;
  save: () => Promise<void>;
  forgetProblem: () => void;
} {
  const [problem, setProblem] = useState<SavingProblem>({});
  const [isSaving, setSaving] = useState(false);
  // Shows the conflict before the draft is saved, if the stream has the change.
  useLive({ events: ['definition'], ...(id !== undefined && { alarmId: id }) }, () => {
    if (id === undefined || isSaving) return;
    readStored(id).then(
      (theirs) => theirs !== null && theirs.tag !== tag && setProblem({ theirs }),
      () => undefined, // saving shows the failure
    );
  });
  const save = async (): Promise<void> => {
    setProblem({});
    setSaving(true);
    try {
      const saved = id ?? (await createAlarm(draft));
      if (id !== undefined) await replaceAlarm(id, draft, tag ?? '*');
      onSaved();
      goTo(linkTo('alarm', saved));
    } catch (failure) {
      setSaving(false);
      setProblem(await problemOf(failure, { id, draft, known }));
    }
  };
  return { problem, isSaving, save, forgetProblem: () => setProblem({}) };
}

async function problemOf(
  failure: unknown,
  { id, draft, known }: Pick<SavedDraft, 'id' | 'draft' | 'known'>,
): Promise<SavingProblem> {
  if (id !== undefined && failure instanceof RequestRefused && failure.status === 412) {
    try {
      const theirs = await readStored(id);
      return theirs === null ? { failure } : { theirs };
    } catch (thrown) {
      return { failure: thrown };
    }
  }
  const fault = faultOf(failure, draft, known);
  return fault ? { fault } : { failure };
}

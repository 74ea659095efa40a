import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { actionsOf, type ActionsOfStates } from '../elements/action-lists.js';
import { STATES } from '../elements/state.js';
import { TestFireDialog } from '../elements/test-fire-dialog.js';
import { TestOutcome } from '../elements/test-outcome.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { testedDraft, type Draft } from './draft.js';

/** Sends a test of the draft's actions. The draft needs a name, by which the test is confirmed. */
export function DraftTest({ draft, isComplete }: { draft: Draft; isComplete: boolean }): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  const [outcome, setOutcome] = useState<Schemas['TestFire']>();
  const lists = draft as ActionsOfStates;
  if (!STATES.some((state) => actionsOf(lists, state).some((action) => action !== ''))) return null;
  return (
    <>
      <div>
        <button type="button" disabled={!isComplete} onClick={() => setOpen(true)}>
          Test-fire the actions
        </button>{' '}
        {!isComplete && <small class="muted">once the mandatory fields have values</small>}
      </div>
      {outcome && <TestOutcome test={outcome} onClose={() => setOutcome(undefined)} />}
      {isOpen && (
        <TestFireDialog
          alarm={{ ...lists, name: String(draft['name']) }}
          send={(test) => {
            const alarm = testedDraft(draft) as unknown as Schemas['AlarmRequest'];
            return bodyOf(client.POST('/v1/alarms/test-fire', { body: { ...test, alarm } }));
          }}
          onTested={setOutcome}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

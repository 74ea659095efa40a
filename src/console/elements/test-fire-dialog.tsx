import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import type { Schemas } from '../requests/client.js';
import { useReader } from '../requests/reader.js';
import { actionsOf, type ActionsOfStates } from './action-lists.js';
import { Dialog } from './dialog.js';
import { Field } from './fields.js';
import { State, STATES, type ShownState } from './state.js';

/** Most actions of one request. */
const MOST_TESTED = 10;
/** Schemes whose actions only admins may test. */
const ADMIN_SCHEMES = /^(log|test):/;

/** Sends a test of chosen actions. The user types the name of the alarm to confirm. */
export function TestFireDialog({
  alarm,
  send,
  onTested,
  onClose,
}: {
  /** A stored alarm, or a draft. */
  alarm: ActionsOfStates & { name: string };
  send: (test: Schemas['TestFireRequest']) => Promise<Schemas['TestFire']>;
  onTested: (outcome: Schemas['TestFire']) => void;
  onClose: () => void;
}): JSX.Element {
  const { hasAllProjects } = useReader();
  const testable = (state: ShownState): number[] =>
    actionsOf(alarm, state).flatMap((action, index) => (hasAllProjects || !ADMIN_SCHEMES.test(action) ? [index] : []));
  const chosenFor = (state: ShownState) => ({ state, actions: testable(state).slice(0, MOST_TESTED) });
  const [{ state, actions }, setChosen] = useState(() =>
    chosenFor(STATES.find((one) => testable(one).length > 0) ?? 'alarm'),
  );
  const [confirm, setConfirm] = useState('');
  const all = actionsOf(alarm, state);
  return (
    <Dialog
      title={`Test-fire “${alarm.name}”`}
      action="Send the test"
      isDangerous
      canAct={confirm === alarm.name && actions.length > 0 && actions.length <= MOST_TESTED}
      act={async () => {
        // By their texts: an edit since then may have moved others to their positions.
        const texts = actions.flatMap((index) => all[index] ?? []);
        onTested(await send({ confirm, state, actions: texts }));
      }}
      onClose={onClose}
    >
      <p class="warning">
        <strong>This really calls the receivers: a real Heat really scales.</strong> The alarm itself does not change.
      </p>
      <div class="segments" role="group" aria-label="State in the notification">
        {STATES.map((one) => (
          <button key={one} type="button" aria-pressed={one === state} onClick={() => setChosen(chosenFor(one))}>
            <State state={one} />
          </button>
        ))}
      </div>
      <ActionChoice
        all={all}
        testable={testable(state)}
        chosen={actions}
        onChange={(next) => setChosen({ state, actions: next })}
      />
      <Field label={`Type the name of the alarm: ${alarm.name}`}>
        <input
          type="text"
          value={confirm}
          autocomplete="off"
          spellcheck={false}
          onInput={(event: TargetedEvent<HTMLInputElement>) => setConfirm(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  );
}

function ActionChoice({
  all,
  testable,
  chosen,
  onChange,
}: {
  all: readonly string[];
  testable: readonly number[];
  /** Positions in the list of the state. */
  chosen: readonly number[];
  onChange: (chosen: number[]) => void;
}): JSX.Element {
  if (all.length === 0) return <p class="muted">The alarm has no action for this state.</p>;
  return (
    <fieldset class="choices">
      <legend>Actions</legend>
      {all.map((action, index) => (
        <label key={index} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(index)}
            disabled={!testable.includes(index)}
            onChange={(event: TargetedEvent<HTMLInputElement>) =>
              onChange(
                event.currentTarget.checked
                  ? [...chosen, index].sort((a, b) => a - b)
                  : chosen.filter((one) => one !== index),
              )
            }
          />
          <code>{action}</code>
          {!testable.includes(index) && <small class="muted">only admins may test it</small>}
        </label>
      ))}
      {chosen.length > MOST_TESTED && <small class="fault">Choose at most {MOST_TESTED}.</small>}
    </fieldset>
  );
}

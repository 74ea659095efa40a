import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import type { Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import type { RefusedField } from '../requests/refused-field.js';
import { actionsOf, type ActionsOfStates } from './action-lists.js';
import { Dialog } from './dialog.js';
import { Fault } from './fault.js';
import { Field } from './fields.js';
import { missingText, useMandatory } from './mandatory.js';
import { Required } from './required.js';
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
  const { hasAllProjects } = usePageUser();
  const testable = (state: ShownState): number[] =>
    actionsOf(alarm, state).flatMap((action, index) => (hasAllProjects || !ADMIN_SCHEMES.test(action) ? [index] : []));
  const chosenFor = (state: ShownState) => ({ state, actions: testable(state).slice(0, MOST_TESTED) });
  const [{ state, actions }, setChosen] = useState(() =>
    chosenFor(STATES.find((one) => testable(one).length > 0) ?? 'alarm'),
  );
  const [confirm, setConfirm] = useState('');
  const all = actionsOf(alarm, state);
  const mandatory = useMandatory(unchosenActions(actions) ?? otherName(confirm, alarm.name));
  const faultOf = (field: string): string | undefined =>
    mandatory.fault?.field === field ? mandatory.fault.text : undefined;
  return (
    <Dialog
      title={`Test-fire “${alarm.name}”`}
      action="Send the test"
      isDangerous
      canAct={testable(state).length > 0}
      act={async () => {
        mandatory.check();
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
        fault={faultOf('actions') ?? unchosenActions(actions, 0)?.text}
        onChange={(next) => setChosen({ state, actions: next })}
      />
      <Field label={`Type the name of the alarm: ${alarm.name}`} fault={faultOf('confirm')} isRequired>
        <input
          type="text"
          aria-required="true"
          value={confirm}
          autocomplete="off"
          spellcheck={false}
          onInput={(event: TargetedEvent<HTMLInputElement>) => setConfirm(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  );
}

/** Too few or too many actions. `least`: the number that must be chosen. */
function unchosenActions(chosen: readonly number[], least = 1): RefusedField | undefined {
  if (chosen.length > MOST_TESTED)
    return { field: 'actions', index: undefined, text: `Choose at most ${MOST_TESTED}.` };
  return chosen.length < least ? { field: 'actions', index: undefined, text: 'Choose an action.' } : undefined;
}

/** The confirmation, if it is not the name. */
function otherName(confirm: string, name: string): RefusedField | undefined {
  if (confirm === name) return undefined;
  return missingText('confirm', confirm) ?? { field: 'confirm', index: undefined, text: 'This is another name.' };
}

function ActionChoice({
  all,
  testable,
  chosen,
  fault,
  onChange,
}: {
  all: readonly string[];
  testable: readonly number[];
  /** Positions in the list of the state. */
  chosen: readonly number[];
  fault: string | undefined;
  onChange: (chosen: number[]) => void;
}): JSX.Element {
  if (all.length === 0) return <p class="muted">The alarm has no action for this state.</p>;
  return (
    <fieldset class={fault === undefined ? 'choices' : 'choices wrong'}>
      <legend>
        Actions
        <Required />
      </legend>
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
      <Fault text={fault} />
    </fieldset>
  );
}

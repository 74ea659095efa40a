import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { AlarmSearch } from '../elements/alarm-search.js';
import { Fault } from '../elements/fault.js';
import { Required } from '../elements/required.js';
import { useRowFocus } from '../elements/row-focus.js';
import { alarmNames } from '../requests/alarm-names.js';
import { useAnswer } from '../requests/use-answer.js';
import type { FieldPath } from './draft.js';
import { Notes } from './field-line.js';
import type { PlacedField } from './form-sections.js';
import { useField } from './form-state.js';

/** Most chosen alarms whose names are looked up at once. */
const MOST_NAMED = 100;

/** Alarms, chosen by name. */
export function AlarmsInput({ field, path, maxItems }: PlacedField & { maxItems: number | undefined }): JSX.Element {
  const { id, value, fault, change } = useField(path);
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const unnamed = chosen.filter((each) => !names.has(each)).slice(0, MOST_NAMED);
  useAnswer(unnamed.length === 0 ? undefined : unnamed.join(), async (signal) => {
    const found = await alarmNames(unnamed, signal);
    setNames((known) => new Map([...known, ...unnamed.map((each) => [each, found.get(each) ?? each] as const)]));
  });
  const { list, onAdd, onRemove } = useRowFocus<HTMLFieldSetElement>('.chosen > li', 'input');
  const isFull = maxItems !== undefined && chosen.length >= maxItems;
  return (
    <fieldset ref={list} class={fault === undefined ? 'list' : 'list wrong'}>
      <legend>
        {field.title}
        {field.isRequired && <Required />}
      </legend>
      <Notes id={id} field={field} fault={fault} />
      <ul class="chosen">
        {chosen.map((each, index) => (
          <ChosenAlarm
            key={each}
            path={[...path, index]}
            name={names.get(each) ?? each}
            onRemove={() => {
              onRemove(index);
              change(chosen.toSpliced(index, 1));
            }}
          />
        ))}
      </ul>
      <AlarmSearch
        label="Find alarms"
        chosen={chosen}
        isFull={isFull}
        onChoose={({ alarm_id, name }) => {
          onAdd();
          setNames(new Map([...names, [alarm_id, name]]));
          change([...chosen, alarm_id]);
        }}
      />
    </fieldset>
  );
}

function ChosenAlarm({ path, name, onRemove }: { path: FieldPath; name: string; onRemove: () => void }): JSX.Element {
  const { id, fault } = useField(path);
  return (
    <li>
      <span>
        {name}
        <Fault id={`${id}.fault`} text={fault} />
      </span>
      <button type="button" class="remove" aria-label={`Remove ${name}`} onClick={onRemove}>
        ✕
      </button>
    </li>
  );
}

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { TYPE_WORDS } from '../elements/alarm-types.js';
import { SearchField } from '../elements/fields.js';
import { Failure } from '../elements/notices.js';
import { useRowFocus } from '../elements/row-focus.js';
import { State } from '../elements/state.js';
import { alarmNames } from '../requests/alarm-names.js';
import { bodyOf, client } from '../requests/client.js';
import { useAnswer } from '../requests/use-answer.js';
import { Notes } from './field-line.js';
import type { PlacedField } from './form-sections.js';
import { useField } from './form-state.js';

const MOST_FOUND = 10;
/** Most chosen alarms whose names are looked up at once. */
const MOST_NAMED = 100;

/** Alarms, chosen by name. */
export function AlarmsInput({ field, path, maxItems }: PlacedField & { maxItems: number | undefined }): JSX.Element {
  const { id, value, fault, change } = useField(path);
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  const [search, setSearch] = useState<string>();
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const unnamed = chosen.filter((each) => !names.has(each)).slice(0, MOST_NAMED);
  useAnswer(unnamed.length === 0 ? undefined : unnamed.join(), async (signal) => {
    const found = await alarmNames(unnamed, signal);
    setNames((known) => new Map([...known, ...unnamed.map((each) => [each, found.get(each) ?? each] as const)]));
  });
  const found = useAnswer(search, (signal) =>
    bodyOf(client.GET('/v1/alarms', { params: { query: { search: search ?? '', limit: MOST_FOUND } }, signal })),
  );
  const { list, onAdd, onRemove } = useRowFocus<HTMLFieldSetElement>('.chosen > li', 'input');
  const isFull = maxItems !== undefined && chosen.length >= maxItems;
  return (
    <fieldset ref={list} class={fault === undefined ? 'list' : 'list wrong'}>
      <legend>
        {field.title}
        {field.isRequired && <span class="required"> *</span>}
      </legend>
      <Notes id={id} field={field} fault={fault} />
      <ul class="chosen">
        {chosen.map((each, index) => (
          <li key={each}>
            <span>{names.get(each) ?? each}</span>
            <button
              type="button"
              class="remove"
              aria-label={`Remove ${names.get(each) ?? each}`}
              onClick={() => {
                onRemove(index);
                change(chosen.toSpliced(index, 1));
              }}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      <SearchField label="Find alarms" value={search} placeholder="a part of the name" onChange={setSearch} />
      {found.failure !== undefined && <Failure failure={found.failure} />}
      {search !== undefined && found.value && (
        <ul class="found" aria-label="Found alarms">
          {found.value.alarms
            .filter(({ alarm_id }) => !chosen.includes(alarm_id))
            .map(({ alarm_id, name, state, type }) => (
              <li key={alarm_id}>
                <button
                  type="button"
                  disabled={isFull}
                  onClick={() => {
                    onAdd();
                    setNames(new Map([...names, [alarm_id, name]]));
                    change([...chosen, alarm_id]);
                  }}
                >
                  <State state={state} /> {name} <small class="muted">{TYPE_WORDS[type]}</small>
                </button>
              </li>
            ))}
          {found.value.alarms.length === 0 && <li class="muted">No alarm has this in its name.</li>}
        </ul>
      )}
    </fieldset>
  );
}

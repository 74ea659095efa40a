import type { JSX, TargetedEvent } from 'preact';
import { useId } from 'preact/hooks';

import { AlarmField } from '../elements/alarm-field.js';
import { TYPE_OPTIONS } from '../elements/alarm-types.js';
import { Fault } from '../elements/fault.js';
import type { InputMarks } from '../elements/fields.js';
import { Required } from '../elements/required.js';
import { useRowFocus } from '../elements/row-focus.js';
import type { ShownMatcher } from '../elements/silence-words.js';
import { SEVERITY_OPTIONS } from '../elements/state.js';
import type { RefusedField } from '../requests/refused-field.js';

const FIELDS: Readonly<Record<ShownMatcher['field'], string>> = {
  name: 'name',
  alarm_id: 'id',
  type: 'type',
  severity: 'severity',
};
const CHOICES: Partial<Record<ShownMatcher['field'], readonly (readonly [value: string, text: string])[]>> = {
  type: TYPE_OPTIONS,
  severity: SEVERITY_OPTIONS,
};
const MOST_MATCHERS = 20;

/** The matchers of a silence. An alarm must match all of them. */
export function MatcherFields({
  matchers,
  fault,
  onChange,
}: {
  matchers: readonly ShownMatcher[];
  fault: RefusedField | undefined;
  onChange: (matchers: ShownMatcher[]) => void;
}): JSX.Element {
  const set = (index: number, matcher: ShownMatcher): void => onChange(matchers.with(index, matcher));
  const faultId = useId();
  const ofAll = fault?.field === 'matchers' ? fault.text : undefined;
  const wrong = fault?.field === 'value' || fault?.field === 'field' ? fault.index : undefined;
  const { list, onAdd, onRemove } = useRowFocus<HTMLFieldSetElement>(':scope > .matcher', ':scope > .add button');
  const remove = (index: number): void => {
    onRemove(index);
    onChange(matchers.toSpliced(index, 1));
  };
  return (
    <fieldset ref={list} class="choices" aria-describedby={ofAll && faultId}>
      <legend>
        Silence alarms whose
        <Required />
      </legend>
      {matchers.map((matcher, index) => (
        <MatcherRow
          key={index}
          matcher={matcher}
          isFirst={index === 0}
          fault={index === wrong ? fault?.text : undefined}
          onChange={(next) => set(index, next)}
          onRemove={matchers.length > 1 ? () => remove(index) : undefined}
        />
      ))}
      <Fault id={faultId} text={ofAll} />
      {matchers.length < MOST_MATCHERS && (
        <div class="add">
          <button
            type="button"
            onClick={() => {
              onAdd();
              onChange([...matchers, { field: 'severity', value: 'critical' }]);
            }}
          >
            and …
          </button>
        </div>
      )}
    </fieldset>
  );
}

function MatcherRow({
  matcher: { field, value },
  isFirst,
  fault,
  onChange,
  onRemove,
}: {
  matcher: ShownMatcher;
  isFirst: boolean;
  fault: string | undefined;
  onChange: (matcher: ShownMatcher) => void;
  /** Undefined for the only one. */
  onRemove: (() => void) | undefined;
}): JSX.Element {
  const faultId = useId();
  const choose = (event: TargetedEvent<HTMLSelectElement>): void => {
    const next = event.currentTarget.value as ShownMatcher['field'];
    onChange({ field: next, value: CHOICES[next]?.[0]?.[0] ?? '' });
  };
  return (
    <div class={fault === undefined ? 'matcher' : 'matcher wrong'}>
      {!isFirst && <span>and</span>}
      <select aria-label="Field" value={field} onChange={choose}>
        {Object.entries(FIELDS).map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
      <MatcherValue
        matcher={{ field, value }}
        marks={fault === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': faultId }}
        onChange={(next) => onChange({ field, value: next })}
      />
      {onRemove && (
        <button type="button" class="remove" aria-label="Remove this matcher" onClick={onRemove}>
          ✕
        </button>
      )}
      <Fault id={faultId} text={fault} />
    </div>
  );
}

function MatcherValue({
  matcher: { field, value },
  marks,
  onChange,
}: {
  matcher: ShownMatcher;
  marks: InputMarks;
  onChange: (value: string) => void;
}): JSX.Element {
  const choices = CHOICES[field];
  if (choices) {
    return (
      <>
        <span>is</span>
        <select
          aria-label="Value"
          {...marks}
          value={value}
          onChange={(event: TargetedEvent<HTMLSelectElement>) => onChange(event.currentTarget.value)}
        >
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      </>
    );
  }
  if (field === 'alarm_id') {
    return (
      <AlarmField
        label="Alarm"
        value={value || undefined}
        marks={{ ...marks, 'aria-required': true }}
        onChange={(id) => onChange(id ?? '')}
      />
    );
  }
  return (
    <>
      <span>matches</span>
      <input
        type="text"
        aria-label="Value"
        {...marks}
        aria-required="true"
        value={value}
        placeholder="with * for any text"
        maxLength={255}
        spellcheck={false}
        onInput={(event: TargetedEvent<HTMLInputElement>) => onChange(event.currentTarget.value)}
      />
    </>
  );
}

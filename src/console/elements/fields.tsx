import type { ComponentChildren, JSX, TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { after } from '../shell/clock.js';
import { Fault } from './fault.js';
import { Required } from './required.js';

/** How long typing must rest before a search is sent. */
const REST_MS = 300;

/** A choice among a few values; the empty value is none of them. */
export function Choice({
  label,
  value,
  options,
  any,
  onChange,
}: {
  label: string;
  value: string | undefined;
  options: readonly (readonly [value: string, text: string])[];
  /** The text of the choice of none. */
  any: string;
  onChange: (value: string | undefined) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value ?? ''}
        onChange={(event: TargetedEvent<HTMLSelectElement>) => onChange(event.currentTarget.value || undefined)}
      >
        <option value="">{any}</option>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What a screen reader says of an input besides its label. */
export interface InputMarks {
  'aria-required'?: boolean;
  'aria-invalid'?: boolean;
  'aria-describedby'?: string;
}

/** A text that is searched for when typing rests. */
export function SearchField({
  label,
  value,
  placeholder,
  marks,
  onChange,
}: {
  label: string;
  value: string | undefined;
  placeholder?: string;
  marks?: InputMarks | undefined;
  onChange: (value: string | undefined) => void;
}): JSX.Element {
  const [typed, setTyped] = useState(value ?? '');
  const cancel = useRef<() => void>(() => undefined);
  // The address may change without typing: back, or a link.
  useEffect(() => setTyped(value ?? ''), [value]);
  useEffect(() => () => cancel.current(), []);
  const type = (event: TargetedEvent<HTMLInputElement>): void => {
    const text = event.currentTarget.value;
    setTyped(text);
    cancel.current();
    cancel.current = after(REST_MS, () => onChange(text.trim() || undefined));
  };
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="search"
        {...marks}
        value={typed}
        placeholder={placeholder}
        spellcheck={false}
        maxLength={255}
        onInput={type}
      />
    </label>
  );
}

/** A field with its label, a hint and what is wrong with it. */
export function Field({
  label,
  hint,
  fault,
  isRequired = false,
  children,
}: {
  label: string;
  hint?: string | undefined;
  fault?: string | undefined;
  isRequired?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <label class={fault === undefined ? 'field' : 'field wrong'}>
      <span>
        {label}
        {isRequired && <Required />}
      </span>
      {children}
      {hint !== undefined && <small class="muted">{hint}</small>}
      <Fault text={fault} />
    </label>
  );
}

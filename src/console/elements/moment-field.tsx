import type { JSX, TargetedEvent } from 'preact';

import { Field } from './fields.js';
import { localText, timeOf, utcOf } from './time.js';

/** A moment in the user's zone. `value` and what `onChange` gets are in UTC, ISO 8601, in whole seconds. */
export function MomentField({
  label,
  value,
  hint,
  fault,
  isRequired = false,
  onChange,
}: {
  label: string;
  value: string | undefined;
  hint?: string;
  fault?: string | undefined;
  isRequired?: boolean;
  onChange: (value: string | undefined) => void;
}): JSX.Element {
  return (
    <Field label={label} hint={hint} fault={fault} isRequired={isRequired}>
      <LocalTimeInput
        value={value === undefined ? '' : localText(timeOf(value))}
        isRequired={isRequired}
        onChange={(local) => onChange(utcOf(local))}
      />
    </Field>
  );
}

/** An input for a time in the user's zone, in the text of such inputs: see `localText`. Empty: none. */
export function LocalTimeInput({
  value,
  isRequired = false,
  onChange,
}: {
  value: string;
  isRequired?: boolean;
  onChange: (local: string) => void;
}): JSX.Element {
  return (
    <input
      type="datetime-local"
      step="1"
      value={value}
      aria-required={isRequired}
      onInput={(event: TargetedEvent<HTMLInputElement>) => onChange(event.currentTarget.value)}
    />
  );
}

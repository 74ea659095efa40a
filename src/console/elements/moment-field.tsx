import type { JSX, TargetedEvent } from 'preact';

import { Field } from './fields.js';
import { localText, timeOf, utcOf } from './time.js';

/** A moment in the reader's zone. `value` and what `onChange` gets are in UTC, ISO 8601, in whole seconds. */
export function MomentField({
  label,
  value,
  hint,
  isRequired = false,
  onChange,
}: {
  label: string;
  value: string | undefined;
  hint?: string;
  isRequired?: boolean;
  onChange: (value: string | undefined) => void;
}): JSX.Element {
  return (
    <Field label={label} hint={hint}>
      <input
        type="datetime-local"
        step="1"
        value={value === undefined ? '' : localText(timeOf(value))}
        required={isRequired}
        onChange={(event: TargetedEvent<HTMLInputElement>) => onChange(utcOf(event.currentTarget.value))}
      />
    </Field>
  );
}

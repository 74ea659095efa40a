import type { JSX, TargetedEvent } from 'preact';

import { Field } from './fields.js';
import { timeOf } from './time.js';

const MINUTE_MS = 60_000;

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
        value={value === undefined ? '' : localText(timeOf(value))}
        required={isRequired}
        onChange={(event: TargetedEvent<HTMLInputElement>) => onChange(momentOf(event.currentTarget.value))}
      />
    </Field>
  );
}

function momentOf(local: string): string | undefined {
  return local === '' ? undefined : `${new Date(local).toISOString().slice(0, 19)}Z`;
}

/** A time as a field for local times takes it. */
function localText(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

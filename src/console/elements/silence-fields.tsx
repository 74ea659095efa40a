import type { JSX, TargetedEvent } from 'preact';

import type { RefusedField } from '../requests/refused-field.js';
import { Field } from './fields.js';

/** The reason and the owner of a silence. */
export interface SilenceReason {
  reason: string;
  owner: string;
}

/** The inputs for the reason and the owner of a silence. */
export function ReasonFields({
  value,
  fault,
  onChange,
}: {
  value: SilenceReason;
  fault: RefusedField | undefined;
  onChange: (value: SilenceReason) => void;
}): JSX.Element {
  const field = (name: keyof SilenceReason, label: string, max: number, hint?: string): JSX.Element => (
    <Field label={label} hint={hint} fault={fault?.field === name ? fault.text : undefined} isRequired>
      <input
        type="text"
        name={name}
        value={value[name]}
        maxLength={max}
        aria-required="true"
        onInput={(event: TargetedEvent<HTMLInputElement>) => onChange({ ...value, [name]: event.currentTarget.value })}
      />
    </Field>
  );
  return (
    <>
      {field('reason', 'Reason', 1024)}
      {field('owner', 'Owner', 255, 'the person or team that answers for it')}
    </>
  );
}

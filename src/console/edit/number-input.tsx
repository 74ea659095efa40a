import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import type { ControlLinks } from './field-line.js';
import type { FieldShape, FormField } from './form-fields.js';

/** An input for a number. Empty: the default, which it shows as a placeholder. */
export function NumberInput({
  shape: { isInteger, minimum, maximum },
  field: { isRequired, fallback },
  links,
  value,
  onChange,
}: {
  shape: Extract<FieldShape, { kind: 'number' }>;
  field: FormField;
  links: ControlLinks;
  value: unknown;
  onChange: (value: unknown) => void;
}): JSX.Element {
  // The text as typed: "1." and "1.0" are the same number, and the input must keep the text while the user types.
  const [typed, setTyped] = useState('');
  const text = numberIn(typed) === (value ?? undefined) ? typed : typeof value === 'number' ? String(value) : '';
  return (
    <input
      type="number"
      {...links}
      value={text}
      required={isRequired}
      min={minimum}
      max={maximum}
      step={isInteger ? 1 : 'any'}
      placeholder={typeof fallback === 'number' ? String(fallback) : undefined}
      onInput={(event: TargetedEvent<HTMLInputElement>) => {
        setTyped(event.currentTarget.value);
        onChange(numberIn(event.currentTarget.value));
      }}
    />
  );
}

function numberIn(text: string): number | undefined {
  return text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}

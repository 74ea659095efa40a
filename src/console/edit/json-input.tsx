import type { JSX, TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';

import type { ControlLinks } from './field-line.js';
import type { FormField } from './form-fields.js';

/** Any value, as JSON. */
export function JsonInput({
  field: { isRequired },
  links,
  value,
  onChange,
}: {
  field: FormField;
  links: ControlLinks;
  value: unknown;
  onChange: (value: unknown) => void;
}): JSX.Element {
  const [typed, setTyped] = useState(value === undefined ? '' : JSON.stringify(value, null, 2));
  return (
    <textarea
      {...links}
      class="code"
      rows={4}
      value={typed}
      required={isRequired}
      spellcheck={false}
      onInput={(event: TargetedEvent<HTMLTextAreaElement>) => {
        const { currentTarget: area } = event;
        setTyped(area.value);
        const parsed = parsedJson(area.value);
        area.setCustomValidity(parsed === INVALID ? 'This is not JSON.' : '');
        if (parsed !== INVALID) onChange(parsed);
      }}
    />
  );
}

const INVALID = Symbol('invalid');

function parsedJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return INVALID;
  }
}

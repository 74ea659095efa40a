import type { JSX, TargetedEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { isEqual } from '../requests/json-equal.js';
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
  // The text as typed stays while the value is the one at that time: half of an object is no value.
  const [typed, setTyped] = useState<{ text: string; value: unknown }>();
  const text = typed && isEqual(typed.value, value) ? typed.text : textOf(value);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.setCustomValidity(parsedJson(text) === INVALID ? 'This is not JSON.' : '');
  }, [text]);
  return (
    <textarea
      {...links}
      ref={area}
      class="code"
      rows={4}
      value={text}
      required={isRequired}
      spellcheck={false}
      onInput={(event: TargetedEvent<HTMLTextAreaElement>) => {
        const { value: next } = event.currentTarget;
        const parsed = parsedJson(next);
        setTyped({ text: next, value: parsed === INVALID ? value : parsed });
        if (parsed !== INVALID) onChange(parsed);
      }}
    />
  );
}

function textOf(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
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

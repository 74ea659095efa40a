import type { JSX, TargetedEvent } from 'preact';

import { operatorSign } from '../elements/numbers.js';
import type { ControlLinks } from './field-line.js';
import type { FieldShape, FormField } from './form-fields.js';
import { JsonInput } from './json-input.js';
import { NumberInput } from './number-input.js';

/** The control of a single value. */
export function Control({
  shape,
  field,
  links,
  value,
  onChange,
}: {
  shape: FieldShape;
  field: FormField;
  links: ControlLinks & { 'aria-label'?: string };
  value: unknown;
  onChange: (value: unknown) => void;
}): JSX.Element {
  if (shape.kind === 'choice') {
    return <ChoiceInput options={shape.options} field={field} links={links} value={value} onChange={onChange} />;
  }
  if (shape.kind === 'number') {
    return <NumberInput shape={shape} field={field} links={links} value={value} onChange={onChange} />;
  }
  if (shape.kind !== 'text') return <JsonInput field={field} links={links} value={value} onChange={onChange} />;
  const attributes = {
    ...links,
    value: typeof value === 'string' ? value : '',
    required: field.isRequired,
    maxLength: shape.maxLength,
    placeholder: typeof field.fallback === 'string' && field.fallback !== '' ? field.fallback : undefined,
    spellcheck: false,
    autocomplete: 'off',
  };
  const type = (event: TargetedEvent<HTMLInputElement | HTMLTextAreaElement>): void =>
    onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value);
  return shape.isLong ? (
    <textarea {...attributes} rows={2} onInput={type} />
  ) : (
    <input type="text" {...attributes} onInput={type} />
  );
}

function ChoiceInput({
  options,
  field: { fallback, isRequired },
  links,
  value,
  onChange,
}: {
  options: readonly string[];
  field: FormField;
  links: ControlLinks;
  value: unknown;
  onChange: (value: unknown) => void;
}): JSX.Element {
  const hasNone = fallback === undefined && !options.includes('');
  return (
    <select
      {...links}
      required={isRequired}
      value={[value, fallback].find((each) => typeof each === 'string') ?? ''}
      onChange={(event: TargetedEvent<HTMLSelectElement>) => onChange(event.currentTarget.value || undefined)}
    >
      {hasNone && <option value="">not set</option>}
      {options.map((option) => (
        <option key={option} value={option}>
          {optionText(option)}
        </option>
      ))}
    </select>
  );
}

function optionText(option: string): string {
  const sign = operatorSign(option);
  return sign === '' ? option || 'not set' : `${sign} (${option})`;
}

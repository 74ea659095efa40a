import type { ComponentChildren, JSX } from 'preact';

import { Fault } from '../elements/fault.js';
import { Required } from '../elements/required.js';
import type { FormField } from './form-fields.js';

/** Attributes that link a control to its description, its hint and its error. */
export interface ControlLinks {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

/** `hint`: on a value that the service accepts. It is shown unless there is a fault. */
export function linksOf(
  id: string,
  { description }: FormField,
  fault: string | undefined,
  hint?: string,
): ControlLinks {
  const described = [
    ...(description === undefined ? [] : [`${id}.hint`]),
    ...(hint === undefined || fault !== undefined ? [] : [`${id}.advice`]),
    ...(fault === undefined ? [] : [`${id}.fault`]),
  ];
  return {
    id,
    'aria-describedby': described.length === 0 ? undefined : described.join(' '),
    'aria-invalid': fault === undefined ? undefined : true,
  };
}

/** A control with its label above, and its hint and its error below. */
export function FieldLine({
  id,
  field,
  fault,
  hint,
  isBare = false,
  children,
}: {
  id: string;
  field: FormField;
  fault: string | undefined;
  /** On a value that the service accepts. Shown unless there is a fault. */
  hint?: string | undefined;
  /** True in rows: leaves out the hint, which each row would repeat. */
  isBare?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const { title, unit, isRequired } = field;
  return (
    <div class={fault === undefined ? 'field' : 'field wrong'}>
      <label for={id}>
        {title}
        {unit !== undefined && ` (${unit})`}
        {isRequired && <Required />}
      </label>
      {children}
      {hint !== undefined && fault === undefined && (
        <small id={`${id}.advice`} class="offer" role="status">
          {hint}
        </small>
      )}
      <Notes id={id} field={field} fault={fault} isBare={isBare} />
    </div>
  );
}

/** The hint of a field, and its error. */
export function Notes({
  id,
  field: { description },
  fault,
  isBare = false,
}: {
  id: string;
  field: FormField;
  fault: string | undefined;
  isBare?: boolean;
}): JSX.Element {
  return (
    <>
      {description !== undefined && !isBare && (
        <small id={`${id}.hint`} class="muted">
          {description}
        </small>
      )}
      <Fault id={`${id}.fault`} text={fault} />
    </>
  );
}

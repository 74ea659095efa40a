import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';

import { valueAt, type Draft, type FieldPath } from './draft.js';
import type { FieldFault } from './faults.js';
import type { PlacedField } from './form-sections.js';
import { hintOn } from './hints.js';

/** Shows a field. `isBare`: without its hint. */
export type ShowField = (field: PlacedField & { isBare?: boolean }) => JSX.Element;

/** What the fields of a form share. */
export interface FormState {
  draft: Draft;
  /** Undefined removes the field. */
  change: (path: FieldPath, value: unknown) => void;
  fault: FieldFault | undefined;
}

/** Provided by `AlarmForm`. */
export const FormContext = createContext<FormState>({ draft: {}, change: () => undefined, fault: undefined });

/** The value of a field, its error, and the function that changes it. */
export function useField(path: FieldPath): {
  id: string;
  value: unknown;
  fault: string | undefined;
  /** On a value that the service accepts. */
  hint: string | undefined;
  change: (value: unknown) => void;
} {
  const { draft, change, fault } = useContext(FormContext);
  const id = idOf(path);
  return {
    id,
    value: valueAt(draft, path),
    fault: fault?.path !== undefined && idOf(fault.path) === id ? fault.text : undefined,
    hint: hintOn(draft, path),
    change: (value) => change(path, value),
  };
}

function idOf(path: FieldPath): string {
  return `field.${path.join('.')}`;
}

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
  /** Of several on one field the first one is shown. */
  faults: readonly FieldFault[];
}

/** Provided by `AlarmForm`. */
export const FormContext = createContext<FormState>({ draft: {}, change: () => undefined, faults: [] });

/** The value of a field, its error, and the function that changes it. */
export function useField(path: FieldPath): {
  id: string;
  value: unknown;
  fault: string | undefined;
  /** On a value that the service accepts. */
  hint: string | undefined;
  change: (value: unknown) => void;
} {
  const { draft, change, faults } = useContext(FormContext);
  const id = idOf(path);
  return {
    id,
    value: valueAt(draft, path),
    fault: faults.find(({ path: at }) => at !== undefined && idOf(at) === id)?.text,
    hint: hintOn(draft, path),
    change: (value) => change(path, value),
  };
}

/** The id of the control of a field. */
export function idOf(path: FieldPath): string {
  return `field.${path.join('.')}`;
}

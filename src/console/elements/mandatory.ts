import { useLayoutEffect, useState } from 'preact/hooks';

import type { RefusedField } from '../requests/refused-field.js';

/** Stands beside a mandatory field that has no value when the form is sent. */
export const MANDATORY = 'This field is mandatory.';

/** A mandatory field without a value; undefined if the text has one. */
export function missingText(field: string, text: string | undefined, index?: number): RefusedField | undefined {
  return text === undefined || text.trim() === '' ? { field, index, text: MANDATORY } : undefined;
}

/** The mandatory fields of a form. */
export interface MandatoryFields {
  /** The first one without a value, once the form was sent without it. */
  fault: RefusedField | undefined;
  /** Call it before the form is sent. @throws Error if one has no value: it is marked and gets the focus. */
  check: () => void;
}

/** `missing`: the first mandatory field without a value; undefined if the form can be sent. */
export function useMandatory(missing: RefusedField | undefined): MandatoryFields {
  const [checks, setChecks] = useState(0);
  useLayoutEffect(() => {
    if (checks === 0) return;
    const form = document.querySelector('dialog[open]') ?? document;
    // Beside the mandatory control there may be others, such as the field of a matcher.
    const control = form.querySelector<HTMLElement>('.wrong [aria-required="true"]');
    (control ?? form.querySelector<HTMLElement>('.wrong :is(input, select, textarea):enabled'))?.focus();
  }, [checks]);
  return {
    fault: checks > 0 ? missing : undefined,
    check: () => {
      if (missing === undefined) return;
      setChecks((before) => before + 1);
      throw new Error('Nothing was sent: see the marked field.');
    },
  };
}

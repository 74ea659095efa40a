import type { JSX } from 'preact';

import { Choice } from './fields.js';
import { MomentField } from './moment-field.js';

/** A span with a start and an end of its own. */
export const OWN_SPAN = 'own';

/** A time span: the name of one up to now, or `OWN_SPAN` with a start and an end. ISO 8601 in UTC. */
export interface ChosenSpan {
  span?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** A choice among time spans up to now, or one from a moment to another. */
export function SpanFields({
  label,
  value: { span, since, until },
  spans,
  any,
  onChange,
}: {
  label: string;
  value: ChosenSpan;
  spans: readonly (readonly [name: string, text: string])[];
  /** The text of the choice of none. */
  any: string;
  /** Is called with the parts that change. */
  onChange: (changes: Record<string, string | undefined>) => void;
}): JSX.Element {
  return (
    <>
      <Choice
        label={label}
        value={span}
        options={[...spans, [OWN_SPAN, 'from … to …']]}
        any={any}
        onChange={(name) => onChange({ span: name, since: undefined, until: undefined })}
      />
      {span === OWN_SPAN && (
        <>
          <MomentField label="From" value={since} onChange={(at) => onChange({ since: at })} />
          <MomentField label="To" value={until} onChange={(at) => onChange({ until: at })} />
        </>
      )}
    </>
  );
}

import type { JSX } from 'preact';

import { serviceTime } from '../shell/clock.js';
import { Field } from './fields.js';
import { LocalTimeInput } from './moment-field.js';
import { localText, utcOf } from './time.js';

const HOUR_MS = 3_600_000;
const MORNING = 8;

/** The end of a silence: a time after it is made, or a local time in the text of its input. */
export type ChosenEnd = { kind: keyof typeof LATER } | { kind: 'other'; local: string };

const LATER = {
  '1h': { text: '1 hour', end: (from: Date) => new Date(from.getTime() + HOUR_MS) },
  '4h': { text: '4 hours', end: (from: Date) => new Date(from.getTime() + 4 * HOUR_MS) },
  morning: {
    text: 'until tomorrow 8:00',
    end: (from: Date) => new Date(from.getFullYear(), from.getMonth(), from.getDate() + 1, MORNING),
  },
} as const;

/** The time of an end, for a request that is sent now. Undefined if no time is entered. */
export function endTime(end: ChosenEnd): string | undefined {
  return end.kind === 'other' ? utcOf(end.local) : LATER[end.kind].end(serviceTime()).toISOString();
}

/** The end that is entered as a time. Undefined for an end that counts from the moment when the silence is made. */
export function enteredEnd(end: ChosenEnd): string | undefined {
  return end.kind === 'other' ? utcOf(end.local) : undefined;
}

/** Chooses the end of a silence with one click, or as a time. */
export function EndChoice({
  end,
  fault,
  onChange,
}: {
  end: ChosenEnd;
  fault: string | undefined;
  onChange: (end: ChosenEnd) => void;
}): JSX.Element {
  const button = (kind: ChosenEnd['kind'], text: string, chosen: ChosenEnd): JSX.Element => (
    <button key={kind} type="button" aria-pressed={kind === end.kind} onClick={() => onChange(chosen)}>
      {text}
    </button>
  );
  const other = (): ChosenEnd => ({ kind: 'other', local: localText(new Date(endTime(end) ?? serviceTime())) });
  return (
    <>
      <div class="segments" role="group" aria-label="How long">
        {(Object.keys(LATER) as (keyof typeof LATER)[]).map((kind) => button(kind, LATER[kind].text, { kind }))}
        {button('other', 'another end', end.kind === 'other' ? end : other())}
      </div>
      {end.kind === 'other' && (
        <Field label="Ends at (your time)" fault={fault} isRequired>
          <LocalTimeInput value={end.local} isRequired onChange={(local) => onChange({ kind: 'other', local })} />
        </Field>
      )}
    </>
  );
}

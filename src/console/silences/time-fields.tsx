import type { JSX, TargetedEvent } from 'preact';

import { EndChoice } from '../elements/end-choice.js';
import { Field } from '../elements/fields.js';
import { LocalTimeInput } from '../elements/moment-field.js';
import type { RefusedField } from '../requests/refused-field.js';
import type { SilenceDraft } from './silence-draft.js';

interface FieldsProps {
  draft: SilenceDraft;
  fault: RefusedField | undefined;
  onChange: (changes: Partial<SilenceDraft>) => void;
}

/** The times of a silence: once, or recurring. */
export function TimeFields({ draft, fault, onChange }: FieldsProps): JSX.Element {
  const faultOf = (field: string): string | undefined => (fault?.field === field ? fault.text : undefined);
  return (
    <fieldset class="choices">
      <legend>When</legend>
      <div class="segments" role="group" aria-label="Once or recurring">
        <button type="button" aria-pressed={!draft.recurs} onClick={() => onChange({ recurs: false })}>
          once
        </button>
        <button type="button" aria-pressed={draft.recurs} onClick={() => onChange({ recurs: true })}>
          recurring
        </button>
      </div>
      <Field label="Starts at (your time)" hint="empty: now" fault={faultOf('starts_at')}>
        <LocalTimeInput value={draft.startsAt} onChange={(startsAt) => onChange({ startsAt })} />
      </Field>
      {draft.recurs ? (
        <RecurrenceFields draft={draft} fault={fault} onChange={onChange} />
      ) : (
        <EndChoice end={draft.end} fault={faultOf('ends_at')} onChange={(end) => onChange({ end })} />
      )}
    </fieldset>
  );
}

function RecurrenceFields({ draft, fault, onChange }: FieldsProps): JSX.Element {
  const faultOf = (field: string): string | undefined => (fault?.field === field ? fault.text : undefined);
  const text = (name: 'cron' | 'timezone', label: string, hint: string): JSX.Element => (
    <Field label={label} hint={hint} fault={faultOf(name)} isRequired>
      <input
        type="text"
        value={draft[name]}
        aria-required="true"
        spellcheck={false}
        onInput={(event: TargetedEvent<HTMLInputElement>) => onChange({ [name]: event.currentTarget.value })}
      />
    </Field>
  );
  return (
    <>
      {text('cron', 'Opens at (cron)', 'minute hour day month weekday: “0 2 * * *” is each night at 2:00')}
      <Field label="Duration (minutes)" fault={faultOf('duration')} isRequired>
        <input
          type="number"
          min="1"
          step="any"
          aria-required="true"
          value={draft.minutes}
          onInput={(event: TargetedEvent<HTMLInputElement>) => onChange({ minutes: event.currentTarget.value })}
        />
      </Field>
      {text('timezone', 'Time zone', 'such as Europe/Berlin')}
      <Field label="Recurs until (your time)" hint="empty: no end" fault={faultOf('ends_at')}>
        <LocalTimeInput value={draft.lastDay} onChange={(lastDay) => onChange({ lastDay })} />
      </Field>
    </>
  );
}

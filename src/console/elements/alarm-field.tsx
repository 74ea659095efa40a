import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import { alarmNames } from '../requests/alarm-names.js';
import { useAnswer } from '../requests/use-answer.js';
import { AlarmSearch } from './alarm-search.js';
import type { InputMarks } from './fields.js';

/** Ids of the service. Aodh's are alike. */
const IS_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One alarm, chosen by its name. The id of a deleted alarm can be entered, too. */
export function AlarmField({
  label,
  value,
  marks,
  onChange,
}: {
  label: string;
  /** The id of the chosen alarm. */
  value: string | undefined;
  /** Of the search. */
  marks?: InputMarks | undefined;
  onChange: (id: string | undefined) => void;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const isMoved = useRef(false);
  const [known, setKnown] = useState<{ id: string; name: string }>();
  const isKnown = known !== undefined && known.id === value;
  const names = useAnswer(value === undefined || isKnown ? undefined : value, (signal) =>
    alarmNames([value ?? ''], signal),
  );
  // The control that had the focus is gone.
  useLayoutEffect(() => {
    if (isMoved.current) place.current?.querySelector<HTMLElement>('button, input')?.focus();
    isMoved.current = false;
  }, [value]);
  const choose = (id: string | undefined): void => {
    isMoved.current = true;
    onChange(id);
  };
  const name = value === undefined ? '' : ((isKnown ? known.name : names.value?.get(value)) ?? value);
  return (
    <div ref={place} class="alarm-field">
      {value === undefined ? (
        <AlarmSearch
          label={label}
          marks={marks}
          none={(search) =>
            IS_ID.test(search) && (
              <button type="button" onClick={() => choose(search)}>
                Use this id
              </button>
            )
          }
          onChoose={({ alarm_id: id, name: chosen }) => {
            setKnown({ id, name: chosen });
            choose(id);
          }}
        />
      ) : (
        <div class="field" role="group" aria-label={label}>
          <span>{label}</span>
          <span class="chosen-alarm">
            <span title={value}>{name}</span>
            <button
              type="button"
              class="remove"
              aria-label={`Remove ${name}: choose another alarm`}
              onClick={() => choose(undefined)}
            >
              ✕
            </button>
          </span>
        </div>
      )}
    </div>
  );
}

import type { JSX } from 'preact';

import { definitionOf } from '../requests/alarm-definition.js';
import type { AlarmVersion } from '../requests/alarm-version.js';
import { ChangeList } from './changes.js';
import { changesBetween, draftOf, withValue, type Draft } from './draft.js';
import type { KeptAlarm } from './use-saving.js';

/** Shows what another request changed while the form was open. The user keeps or discards their own changes. */
export function Conflict({
  base,
  draft,
  theirs,
  onChoose,
}: {
  /** The alarm as it was when the form was opened. */
  base: Draft;
  draft: Draft;
  /** The alarm as it is now. */
  theirs: AlarmVersion;
  onChoose: (next: KeptAlarm) => void;
}): JSX.Element {
  const now = draftOf(theirs.alarm);
  const mine = changesBetween(base, draft);
  const changed = changesBetween(definitionOf(base), definitionOf(now));
  const both = changed.filter(({ path }) => mine.some((other) => overlap(path, other.path)));
  const merged = mine.reduce<unknown>((alarm, { path, after }) => withValue(alarm, path, after), now) as Draft;
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>The alarm has changed since you opened it.</strong>
      </p>
      <ChangeList changes={changed} />
      {both.length > 0 && (
        <p>
          You changed {both.map(({ path }) => path.join('.')).join(', ')}, too. If you keep your changes, they replace
          these.
        </p>
      )}
      <div class="actions">
        <button type="button" onClick={() => onChoose({ draft: merged, base: now, tag: theirs.tag })}>
          Keep my changes
        </button>
        <button type="button" onClick={() => onChoose({ draft: now, base: now, tag: theirs.tag })}>
          Discard my changes
        </button>
      </div>
    </div>
  );
}

function overlap(one: DraftPath, other: DraftPath): boolean {
  return one.every((name, index) => other[index] === undefined || other[index] === name);
}

type DraftPath = readonly (string | number)[];

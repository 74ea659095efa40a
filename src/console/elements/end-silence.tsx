import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { usePageUser } from '../requests/page-user.js';
import { endSilence } from '../requests/silence-version.js';
import { Dialog } from './dialog.js';
import { HoldNotice, holdOf, holdOfProjects, usePauses } from './pauses.js';
import { matchersText, type ShownSilence } from './silence-words.js';

/** The button that ends a silence. Shown to users who may end it. */
export function EndSilence({
  silence,
  names,
  onEnd,
}: {
  silence: ShownSilence;
  /** Names of alarms by their ids. */
  names?: ReadonlyMap<string, string> | undefined;
  onEnd: () => void;
}): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  const { isWriter } = usePageUser();
  const { matchers, may_change, status } = silence;
  if (!may_change || !isWriter || status === 'ended') return null;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        End now
      </button>
      {isOpen && (
        <Dialog
          title="End this silence?"
          action="End now"
          act={async () => {
            await endSilence(silence);
            onEnd();
          }}
          onClose={() => setOpen(false)}
        >
          <p>It holds: {matchersText(matchers, names)}.</p>
          <p>
            Within an interval, the present state of each of these alarms is sent if its receivers know another one.
          </p>
          <SilencePauseNotice silence={silence} />
        </Dialog>
      )}
    </>
  );
}

/** Says that notifications wait, while pauses hold those of projects of the silence. */
function SilencePauseNotice({ silence: { project_ids, all_projects } }: { silence: ShownSilence }): JSX.Element {
  const { value = [] } = usePauses();
  return <HoldNotice hold={all_projects ? holdOf(value, undefined) : holdOfProjects(value, project_ids ?? [])} />;
}

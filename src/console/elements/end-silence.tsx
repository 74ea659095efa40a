import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { bodyOf, client } from '../requests/client.js';
import { useReader } from '../requests/reader.js';
import { Dialog } from './dialog.js';
import { PauseNotice } from './pauses.js';
import { matchersText, type ShownSilence } from './silence-words.js';

/** The button that ends a silence. Shown to users who may end it. */
export function EndSilence({
  silence: { id, matchers, may_change, status, project_ids: projects },
  names,
  onEnd,
}: {
  silence: ShownSilence;
  /** Names of alarms by their ids. */
  names?: ReadonlyMap<string, string> | undefined;
  onEnd: () => void;
}): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  const { isWriter } = useReader();
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
            await bodyOf(client.DELETE('/v1/silences/{id}', { params: { path: { id } } }));
            onEnd();
          }}
          onClose={() => setOpen(false)}
        >
          <p>It holds: {matchersText(matchers, names)}.</p>
          <p>
            Within an interval, the present state of each of these alarms is sent if its receivers know another one.
          </p>
          <PauseNotice project={projects?.length === 1 ? projects[0] : undefined} />
        </Dialog>
      )}
    </>
  );
}

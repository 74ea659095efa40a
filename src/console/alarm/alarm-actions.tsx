import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { TestFireDialog } from '../elements/test-fire-dialog.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useReader } from '../requests/reader.js';
import { goTo, linkTo } from '../shell/address.js';
import { SilenceDialog } from './silence-dialog.js';
import { changeAlarm, deleteAlarm, type AlarmVersion } from './stored-alarm.js';

type Question = 'silence' | 'test' | 'enable' | 'delete';

/** What a writer may do with an alarm. Readers see nothing. */
export function AlarmActions({
  version,
  onChange,
  onSilenced,
  onTested,
}: {
  version: AlarmVersion;
  onChange: () => void;
  onSilenced: () => void;
  onTested: (outcome: Schemas['TestFire']) => void;
}): JSX.Element | null {
  // The version of the click: the page may show a newer one by the time of the answer.
  const [asked, setAsked] = useState<{ question: Question; of: AlarmVersion }>();
  const { isWriter } = useReader();
  if (!isWriter) return null;
  const close = (): void => setAsked(undefined);
  const button = (question: Question, text: string, kind?: string): JSX.Element => (
    <button type="button" class={kind} onClick={() => setAsked({ question, of: version })}>
      {text}
    </button>
  );
  return (
    <div class="actions">
      {button('silence', 'Silence')}
      {button('test', 'Test-fire')}
      <a class="button" href={linkTo('edit', version.alarm.alarm_id)}>
        Edit
      </a>
      {button('enable', version.alarm.enabled ? 'Disable' : 'Enable')}
      {button('delete', 'Delete', 'danger')}
      {asked?.question === 'silence' && (
        <SilenceDialog alarm={asked.of.alarm} onSilenced={onSilenced} onClose={close} />
      )}
      {asked?.question === 'test' && (
        <TestFireDialog
          alarm={asked.of.alarm}
          send={(body) => {
            const path = { id: asked.of.alarm.alarm_id };
            return bodyOf(client.POST('/v1/alarms/{id}/test-fire', { params: { path }, body }));
          }}
          onTested={onTested}
          onClose={close}
        />
      )}
      {asked?.question === 'enable' && <EnableDialog version={asked.of} onChange={onChange} onClose={close} />}
      {asked?.question === 'delete' && <DeleteDialog version={asked.of} onClose={close} />}
    </div>
  );
}

function EnableDialog({
  version,
  onChange,
  onClose,
}: {
  version: AlarmVersion;
  onChange: () => void;
  onClose: () => void;
}): JSX.Element {
  const { enabled } = version.alarm;
  return (
    <Dialog
      title={enabled ? 'Disable this alarm?' : 'Enable this alarm?'}
      action={enabled ? 'Disable' : 'Enable'}
      act={async () => {
        await changeAlarm(version, { enabled: !enabled });
        onChange();
      }}
      onClose={onClose}
    >
      <p>
        {enabled
          ? 'It keeps its state, is no longer evaluated, and sends nothing, until it is enabled again.'
          : 'It is evaluated again from now on.'}
      </p>
    </Dialog>
  );
}

function DeleteDialog({ version, onClose }: { version: AlarmVersion; onClose: () => void }): JSX.Element {
  return (
    <Dialog
      title={`Delete “${version.alarm.name}”?`}
      action="Delete"
      isDangerous
      act={async () => {
        await deleteAlarm(version);
        goTo(linkTo('alarms'));
      }}
      onClose={onClose}
    >
      <p>It cannot be brought back. Its history stays.</p>
    </Dialog>
  );
}

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { TestFireDialog } from '../elements/test-fire-dialog.js';
import type { AlarmVersion } from '../requests/alarm-version.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { usePageUser } from '../requests/page-user.js';
import { goTo, linkTo } from '../shell/address.js';
import { changeAlarm, deleteAlarm } from './change-alarm.js';
import { SilenceDialog } from './silence-dialog.js';

type ActionDialog = 'silence' | 'test' | 'enable' | 'delete';

/** The buttons that change an alarm. Only members and admins see them. */
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
  // The version at the click. The page may show a newer one when the dialog is confirmed.
  const [opened, setOpened] = useState<{ dialog: ActionDialog; of: AlarmVersion }>();
  const { isWriter } = usePageUser();
  if (!isWriter) return null;
  const close = (): void => setOpened(undefined);
  const button = (dialog: ActionDialog, text: string, kind?: string): JSX.Element => (
    <button type="button" class={kind} onClick={() => setOpened({ dialog, of: version })}>
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
      {opened?.dialog === 'silence' && (
        <SilenceDialog alarm={opened.of.alarm} onSilenced={onSilenced} onClose={close} />
      )}
      {opened?.dialog === 'test' && (
        <TestFireDialog
          alarm={opened.of.alarm}
          send={(body) => {
            const path = { id: opened.of.alarm.alarm_id };
            return bodyOf(client.POST('/v1/alarms/{id}/test-fire', { params: { path }, body }));
          }}
          onTested={onTested}
          onClose={close}
        />
      )}
      {opened?.dialog === 'enable' && <EnableDialog version={opened.of} onChange={onChange} onClose={close} />}
      {opened?.dialog === 'delete' && <DeleteDialog version={opened.of} onClose={close} />}
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
          ? 'It keeps its state. It is not evaluated and sends nothing until it is enabled again.'
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

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { goTo, linkTo } from '../shell/address.js';
import { changeAlarm, deleteAlarm, type AlarmVersion } from './stored-alarm.js';

/** What may be done with an alarm. */
export function AlarmActions({ version, onChange }: { version: AlarmVersion; onChange: () => void }): JSX.Element {
  const [question, setQuestion] = useState<'enable' | 'delete'>();
  const { alarm } = version;
  const close = (): void => setQuestion(undefined);
  return (
    <div class="actions">
      <a class="button" href={linkTo('edit', alarm.alarm_id)}>
        Edit
      </a>
      <button type="button" onClick={() => setQuestion('enable')}>
        {alarm.enabled ? 'Disable' : 'Enable'}
      </button>
      <button type="button" class="danger" onClick={() => setQuestion('delete')}>
        Delete
      </button>
      {question === 'enable' && (
        <Dialog
          title={alarm.enabled ? 'Disable this alarm?' : 'Enable this alarm?'}
          action={alarm.enabled ? 'Disable' : 'Enable'}
          act={async () => {
            await changeAlarm(version, { enabled: !alarm.enabled });
            onChange();
          }}
          onClose={close}
        >
          <p>
            {alarm.enabled
              ? 'It keeps its state, is no longer evaluated, and tells nobody, until it is enabled again.'
              : 'It is evaluated again from now on.'}
          </p>
        </Dialog>
      )}
      {question === 'delete' && (
        <Dialog
          title={`Delete “${alarm.name}”?`}
          action="Delete"
          isDangerous
          act={async () => {
            await deleteAlarm(alarm.alarm_id);
            goTo(linkTo('alarms'));
          }}
          onClose={close}
        >
          <p>It cannot be brought back. Its history stays.</p>
        </Dialog>
      )}
    </div>
  );
}

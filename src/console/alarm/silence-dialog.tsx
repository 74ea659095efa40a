import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Dialog } from '../elements/dialog.js';
import { EndChoice, enteredEnd, endTime, type ChosenEnd } from '../elements/end-choice.js';
import { missingText, useMandatory } from '../elements/mandatory.js';
import { PauseNotice } from '../elements/pauses.js';
import { ReasonFields } from '../elements/silence-fields.js';
import { SilencePreview, useSilencePreview } from '../elements/silence-preview.js';
import { ownerName, type SilenceBody } from '../elements/silence-words.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { refusedField } from '../requests/refused-field.js';
import { usePageUser, type PageUser } from '../requests/page-user.js';

/** Makes a silence of one alarm. The user enters its end, reason and owner. */
export function SilenceDialog({
  alarm,
  onSilenced,
  onClose,
}: {
  alarm: Schemas['Alarm'];
  onSilenced: () => void;
  onClose: () => void;
}): JSX.Element {
  const user = usePageUser();
  const [end, setEnd] = useState<ChosenEnd>({ kind: '1h' });
  const [reason, setReason] = useState({ reason: '', owner: ownerName(user) });
  const [failure, setFailure] = useState<unknown>();
  const body: SilenceBody = { ...reason, ...alarmMatched(alarm, user) };
  const preview = useSilencePreview({ ...body, ends_at: enteredEnd(end) ?? null });
  const missing = missingText('ends_at', end.kind === 'other' ? end.local : end.kind);
  const mandatory = useMandatory(missing ?? missingText('reason', reason.reason) ?? missingText('owner', reason.owner));
  const fault = mandatory.fault ?? refusedField(failure ?? preview.failure);
  return (
    <Dialog
      title={`Silence “${alarm.name}”`}
      action="Silence"
      act={async () => {
        setFailure(undefined);
        mandatory.check();
        try {
          await bodyOf(client.POST('/v1/silences', { body: { ...body, ends_at: endTime(end) ?? null } }));
          onSilenced();
        } catch (thrown) {
          setFailure(thrown);
          throw refusedField(thrown) ? new Error('The silence was not made: see the marked field.') : thrown;
        }
      }}
      onClose={onClose}
    >
      <p>
        The alarm is evaluated as before, and its notifications are held. After the end, the present state is sent if
        the receivers know another one.
      </p>
      <PauseNotice project={alarm.project_id} />
      <EndChoice end={end} fault={fault?.field === 'ends_at' ? fault.text : undefined} onChange={setEnd} />
      <ReasonFields value={reason} fault={fault} onChange={setReason} />
      <SilencePreview answer={preview} />
    </Dialog>
  );
}

/** The matcher of the alarm. An admin of all projects also names its project, which is often not their own. */
function alarmMatched(
  { alarm_id, project_id }: Schemas['Alarm'],
  { hasAllProjects, project_id: own }: PageUser,
): Pick<SilenceBody, 'matchers' | 'project_ids'> {
  const matchers: SilenceBody['matchers'] = [{ field: 'alarm_id', value: alarm_id }];
  return hasAllProjects && project_id !== own ? { matchers, project_ids: [project_id ?? ''] } : { matchers };
}

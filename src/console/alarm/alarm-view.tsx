import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { actionsOf } from '../elements/action-lists.js';
import { TYPE_WORDS } from '../elements/alarm-types.js';
import { OneObject } from '../elements/one-object.js';
import { ruleOf, ruleSentence } from '../elements/rule-sentence.js';
import { ServiceText } from '../elements/service-text.js';
import { SeverityWord, State, STATES } from '../elements/state.js';
import { TestOutcome } from '../elements/test-outcome.js';
import { Age, Time } from '../elements/time.js';
import { readAlarm, type AlarmVersion } from '../requests/alarm-version.js';
import type { Schemas } from '../requests/client.js';
import { useLive } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';
import { PROJECT } from '../shell/address.js';
import type { ViewProps } from '../shell/view.js';
import { AlarmActions } from './alarm-actions.js';
import { ExplainPanel } from './explain-panel.js';
import { HistoryPanel } from './history-panel.js';
import { NotificationsPanel } from './notifications-panel.js';
import { RuleTree } from './rule-tree.js';
import { SilencesPanel } from './silences-panel.js';
import { ValuesPanel } from './values-panel.js';

/** One alarm: its rule, its values, the reason for its state, its history and its notifications. */
export function AlarmView({ address }: ViewProps): JSX.Element {
  const { id = '' } = address;
  const answer = useAnswer(`${id} ${address.query.get(PROJECT) ?? ''}`, (signal) => readAlarm(id, signal));
  useLive({ events: ['transition', 'definition'], alarmId: id }, answer.again);
  return (
    <OneObject list={{ view: 'alarms', name: 'Alarms' }} what="alarm" answer={answer}>
      {(version) => <Alarm version={version} address={address} onChange={answer.again} />}
    </OneObject>
  );
}

function Alarm({
  version,
  address,
  onChange,
}: ViewProps & { version: AlarmVersion; onChange: () => void }): JSX.Element {
  const { alarm } = version;
  const shownVersion = version.tag ?? `${alarm.timestamp} ${alarm.state_timestamp}`;
  const [test, setTest] = useState<Schemas['TestFire']>();
  const [silenced, setSilenced] = useState(0);
  return (
    <>
      <div class="heading">
        <State state={alarm.state} />
        <h1 id="title">{alarm.name || '(no name)'}</h1>
        {!alarm.enabled && <span class="tag">disabled</span>}
        <AlarmActions
          version={version}
          onChange={onChange}
          onSilenced={() => setSilenced(silenced + 1)}
          onTested={setTest}
        />
      </div>
      <SilencesPanel alarm={alarm} made={silenced} />
      {test && <TestOutcome test={test} onClose={() => setTest(undefined)} />}
      <div class="panel">
        <p class="sentence">{ruleSentence(alarm.type, ruleOf(alarm), alarm.tocsin)}</p>
        <RuleTree alarm={alarm} />
        <Facts version={version} />
      </div>
      <ValuesPanel alarm={alarm} address={address} />
      <ExplainPanel alarm={alarm} address={address} />
      <HistoryPanel alarmId={alarm.alarm_id} version={shownVersion} />
      <NotificationsPanel alarm={alarm} version={`${shownVersion} ${test?.notifications[0]?.notification_id ?? ''}`} />
    </>
  );
}

function Facts({ version: { alarm } }: { version: AlarmVersion }): JSX.Element {
  return (
    <dl class="facts">
      <dt>Since</dt>
      <dd>
        <Age at={alarm.state_timestamp} /> (<Time at={alarm.state_timestamp} />)
      </dd>
      <dt>Reason</dt>
      <dd>
        <ServiceText text={alarm.state_reason} />
      </dd>
      <dt>Severity</dt>
      <dd>
        <SeverityWord severity={alarm.severity} />
      </dd>
      <dt>Type</dt>
      <dd>{TYPE_WORDS[alarm.type]}</dd>
      {STATES.map((state) => (
        <Actions key={state} state={state} list={actionsOf(alarm, state)} />
      ))}
      {alarm.time_constraints.map(({ name, start, duration, timezone }) => (
        <>
          <dt>Only</dt>
          <dd>
            {name}: {duration} s from “{start}” {timezone}
          </dd>
        </>
      ))}
      <dt>Project</dt>
      <dd>{alarm.project_id ?? 'none'}</dd>
      <dt>Id</dt>
      <dd>
        <code>{alarm.alarm_id}</code>
      </dd>
    </dl>
  );
}

function Actions({ state, list }: { state: string; list: readonly string[] }): JSX.Element | null {
  if (list.length === 0) return null;
  return (
    <>
      <dt>On {state}</dt>
      <dd>
        <ul>
          {list.map((action) => (
            <li key={action}>
              <code>{action}</code>
            </li>
          ))}
        </ul>
      </dd>
    </>
  );
}

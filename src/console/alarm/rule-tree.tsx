import type { JSX } from 'preact';

import { ruleOf, ruleSentence, type RuleFields } from '../elements/rule-sentence.js';
import { State, type ShownState } from '../elements/state.js';
import { alarmNames } from '../requests/alarm-names.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useLive, type LiveEvent } from '../requests/live.js';
import { useAnswer } from '../requests/use-answer.js';
import { linkTo } from '../shell/address.js';

/** Most alarms of a combination that are shown with their states. */
const MOST_MEMBERS = 100;

/** The parts of a composite rule or of a combination, each with its state. Other rules have no parts. */
export function RuleTree({ alarm }: { alarm: Schemas['Alarm'] }): JSX.Element | null {
  const isTree = alarm.type === 'composite' || alarm.type === 'combination';
  const explained = useAnswer(isTree ? `${alarm.alarm_id} ${alarm.state_timestamp}` : undefined, (signal) =>
    bodyOf(client.GET('/v2/alarms/{id}/explain', { params: { path: { id: alarm.alarm_id } }, signal })),
  );
  useLive({ events: alarm.type === 'combination' ? ['transition'] : [] }, (events) => {
    const ids = new Set<unknown>((ruleOf(alarm)['alarm_ids'] ?? []) as string[]);
    const isOfMember = ({ name, data }: LiveEvent): boolean =>
      name === 'reset' || ('alarm_id' in data && ids.has(data.alarm_id));
    if (events.some(isOfMember)) explained.again();
  });
  if (alarm.type === 'combination') {
    return <Members rule={ruleOf(alarm)} states={explained.value?.members ?? undefined} />;
  }
  if (alarm.type !== 'composite') return null;
  const numbers = { used: 0 };
  const verdicts = new Map(explained.value?.questions.map(({ rule }) => [rule?.name, rule?.verdict]));
  return <ul class="tree">{node(ruleOf(alarm), numbers, verdicts)}</ul>;
}

type Verdicts = ReadonlyMap<string | undefined, string | null | undefined>;

/** A part of a composite rule. Rules have numbers in the order in which they are written, as in explanations. */
function node(rule: RuleFields, numbers: { used: number }, verdicts: Verdicts): JSX.Element {
  const [operator] = Object.keys(rule);
  const parts = operator === undefined ? undefined : rule[operator];
  if ((operator === 'and' || operator === 'or') && Array.isArray(parts)) {
    return (
      <li>
        <strong>{operator === 'and' ? 'all of' : 'any of'}</strong>
        <ul class="tree">{(parts as RuleFields[]).map((part) => node(part, numbers, verdicts))}</ul>
      </li>
    );
  }
  const name = `rule${(numbers.used += 1)}`;
  const options = (rule['tocsin'] ?? {}) as RuleFields;
  return (
    <li key={name}>
      <Verdict verdict={verdicts.get(name)} /> <span class="muted">{name}</span>{' '}
      {ruleSentence(String(rule['type']), rule, options)}
    </li>
  );
}

/** A verdict that is a state is shown like one. */
function Verdict({ verdict }: { verdict: string | null | undefined }): JSX.Element {
  if (verdict === 'ok' || verdict === 'alarm' || verdict === 'insufficient data') return <State state={verdict} />;
  return <span class="tag">{verdict ?? '…'}</span>;
}

function Members({
  rule,
  states,
}: {
  rule: RuleFields;
  states: readonly { alarm_id: string; state: ShownState | null }[] | undefined;
}): JSX.Element {
  const ids = (rule['alarm_ids'] ?? []) as string[];
  const shown = ids.slice(0, MOST_MEMBERS);
  const names = useAnswer(shown.join(), (signal) => alarmNames(shown, signal));
  const byId = new Map(states?.map(({ alarm_id, state }) => [alarm_id, state]));
  return (
    <ul class="tree">
      {shown.map((id) => {
        const state = byId.get(id);
        return (
          <li key={id}>
            {state ? <State state={state} /> : <span class="tag">{byId.has(id) ? 'deleted' : '…'}</span>}{' '}
            <a href={linkTo('alarm', id)}>{names.value?.get(id) ?? id}</a>
          </li>
        );
      })}
      {ids.length > shown.length && <li class="muted">and {ids.length - shown.length} more</li>}
    </ul>
  );
}

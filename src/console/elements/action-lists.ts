import type { Schemas } from '../requests/client.js';

const ACTION_LISTS = {
  alarm: 'alarm_actions',
  ok: 'ok_actions',
  'insufficient data': 'insufficient_data_actions',
} as const;

/** The lists of actions of an alarm or of a draft. */
export type ActionsOfStates = { readonly [List in (typeof ACTION_LISTS)[keyof typeof ACTION_LISTS]]?: string[] | null };

/** The actions that an alarm runs when it enters a state. */
export function actionsOf(alarm: ActionsOfStates, state: Schemas['Alarm']['state']): readonly string[] {
  return alarm[ACTION_LISTS[state]] ?? [];
}

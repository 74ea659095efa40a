import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import type { ListedTransition } from '../../storage/alarms/transition-list-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, TransitionSeries, UtcTimestamp } from './answer-fields.js';

const TransitionAnswer = z
  .strictObject({
    event_id: z.string().meta({ description: 'Id of the entry in the history of the alarm.' }),
    alarm_id: z.string(),
    alarm_name: NullableText.meta({
      description: 'The present name; null if the alarm was deleted some time ago, or has moved to another project.',
    }),
    type: z.enum(ALARM_KINDS).nullable(),
    severity: z.enum(SEVERITIES).nullable(),
    project_id: NullableText,
    at: UtcTimestamp,
    from: z.enum(ALARM_STATES).nullable(),
    to: z.enum(ALARM_STATES),
    reason: NullableText,
    state_version: z.int().nullable(),
    series: TransitionSeries,
    user_id: NullableText.meta({ description: 'Who set the state; null for an evaluation or an event.' }),
  })
  .meta({ id: 'Transition' });

/** One page of transitions. */
export const TransitionsAnswer = z
  .strictObject({
    transitions: z.array(TransitionAnswer),
    next: NullableText.meta({
      description:
        'The cursor of the next page; null if there is none. A page can be empty although another one follows.',
    }),
  })
  .meta({ id: 'Transitions' });
export type TransitionsAnswer = z.infer<typeof TransitionsAnswer>;

/** The answer about a transition. */
export function transitionAnswer(transition: ListedTransition): TransitionsAnswer['transitions'][number] {
  return {
    event_id: transition.eventId,
    alarm_id: transition.alarmId,
    alarm_name: transition.alarmName,
    type: transition.type,
    severity: transition.severity,
    project_id: transition.projectId,
    at: utcTimestamp(transition.at),
    from: transition.from,
    to: transition.to,
    reason: transition.reason,
    state_version: transition.stateVersion,
    series: null,
    user_id: transition.userId,
  };
}

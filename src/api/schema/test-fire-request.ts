import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { describedInput, optional, wireEnum, wireInt, wireList, wireText } from '../../alarm/wire/wire-types.js';
import { AlarmRequest } from './alarm-request.js';

/** Most actions that one request tests. */
export const MAX_TESTED_ACTIONS = 10;

const MAX_NAME = 255;
const MAX_ACTION = 2_048;
const MAX_INDEX = 32_767;

/** An action by its position in the list of the state, or by its text. */
export type ActionChoice = number | string;

const Index = wireInt({ min: 0, max: MAX_INDEX });
const ActionText = wireText({ max: MAX_ACTION });
const ActionChoice = z
  .unknown()
  .transform((value, context): ActionChoice => {
    const parsed = (typeof value === 'number' ? Index : ActionText).safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue(issue as Parameters<typeof context.addIssue>[0]);
    return z.NEVER;
  })
  .meta({ anyOf: [describedInput(Index), describedInput(ActionText)] });

const FIELDS = {
  /** The name of the alarm: an action that is tested may scale a real stack. */
  confirm: wireText({ max: MAX_NAME }),
  state: optional(wireEnum(ALARM_STATES), 'alarm'),
  /** Null: all actions of the state. */
  actions: optional<ActionChoice[] | null>(wireList(ActionChoice, { max: MAX_TESTED_ACTIONS }), null),
};

/** The body of a test of actions of a stored alarm. */
export const TestFireRequest = z.strictObject(FIELDS).meta({ id: 'TestFireRequest' });
export type TestFireRequest = z.infer<typeof TestFireRequest>;

/** The body of a test of actions of a draft: an alarm as POST takes it. */
export const DraftTestFireRequest = z
  .strictObject({ alarm: AlarmRequest, ...FIELDS })
  .meta({ id: 'DraftTestFireRequest' });
export type DraftTestFireRequest = z.infer<typeof DraftTestFireRequest>;

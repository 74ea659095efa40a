import { z } from 'zod';

import { scrubAction } from '../../alarm/action.js';
import { ACTION_LIST_OF, type ActionList } from '../../alarm/alarm.js';
import { AppError } from '../../errors.js';
import { parseWith } from '../http/faultstring.js';
import { AlarmRequest } from './alarm-request.js';

/** An action that only its owner can set up again: Aodh does not tell the trust behind it. */
export interface NotCopied {
  list: ActionList;
  action: string;
}

export interface ImportedAlarm {
  id: string;
  request: AlarmRequest;
  notCopied: NotCopied[];
}

/** Alarms of one request. The command sends them in such portions. */
const MAX_ALARMS = 500;

const Documents = z.array(z.looseObject({ alarm_id: z.string().min(1).max(128) })).max(MAX_ALARMS);
export const ActivationRequest = z.strictObject({
  project_id: z.string().max(128).optional(),
  alarm_ids: z.array(z.string().max(128)).max(10_000).optional(),
});

/** The alarms of a request, each as it was given. @throws AppError when it is no list of alarms with an id each. */
export function importedDocuments(body: unknown): Record<string, unknown>[] {
  const parsed = Documents.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute body.${issue?.path.join('.') ?? ''}. ${issue?.message}`,
  );
}

/**
 * An alarm as Aodh's API tells it, ready to be stored, without what cannot be taken along.
 * @throws AppError for what POST would refuse too.
 */
export function importedAlarm(document: Record<string, unknown>): ImportedAlarm {
  const notCopied: NotCopied[] = [];
  const lists = Object.values(ACTION_LIST_OF).map((list): [ActionList, unknown] => {
    const actions: unknown = document[list];
    if (!Array.isArray(actions)) return [list, actions];
    const lost = actions.filter(needsTrust);
    notCopied.push(...lost.map((action) => ({ list, action: scrubAction(action) })));
    return [list, actions.filter((action) => !needsTrust(action))];
  });
  const value = { ...document, ...Object.fromEntries(lists) };
  return {
    id: document['alarm_id'] as string,
    request: parseWith(AlarmRequest, { argument: 'data', value }),
    notCopied,
  };
}

function needsTrust(action: unknown): action is string {
  return typeof action === 'string' && /^trust\+/i.test(action);
}

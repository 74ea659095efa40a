import { z } from 'zod';

import { scrubAction } from '../../alarm/action-text.js';
import { ACTION_LIST_OF, type ActionList } from '../../alarm/alarm.js';
import { AppError } from '../../errors.js';
import { parseWith } from '../http/faultstring.js';
import type { JsonList } from '../http/json-list.js';
import { AlarmRequest } from './alarm-request.js';

/** A `trust+` action, which cannot be imported, since Aodh does not reveal its trust. The owner has to add it again. */
export interface NotCopied {
  list: ActionList;
  action: string;
}

/** An alarm in a request to import alarms. */
export interface ImportedAlarm {
  id: string;
  request: AlarmRequest;
  notCopied: NotCopied[];
}

/** Most alarms in one request. `tocsin import` sends fewer. */
const MAX_ALARMS = 500;

const Documents = z.array(z.looseObject({ alarm_id: z.string().min(1).max(128) })).max(MAX_ALARMS);
/** The body of POST on `/v1/imports/activate`. */
export const ActivationRequest = z.strictObject({
  project_id: z.string().max(128).optional(),
  alarm_ids: z.array(z.string().max(128)).max(10_000).optional(),
});

/**
 * The alarms of a request as they were given.
 * Rejects with an AppError unless the body is a list of objects with an id each.
 */
export async function importedDocuments(body: JsonList | undefined): Promise<Record<string, unknown>[]> {
  const parsed = Documents.safeParse(await body?.value());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute body.${issue?.path.join('.') ?? ''}. ${issue?.message}`,
  );
}

/**
 * Parses an alarm from Aodh's API and removes its `trust+` actions.
 * @throws AppError for an alarm that POST would refuse, too.
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

import { ACTION_LIST_OF, type AlarmActions } from '../../alarm/alarm.js';
import { pathOfLeaf } from '../../alarm/types/composite/tree.js';
import type { AlarmRule } from '../../alarm/types/index.js';
import { AppError, type BodyPath } from '../../errors.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

/** An alarm in the body of a request: as it was sent, and as it was parsed. */
export interface SentAlarm {
  sent: unknown;
  alarm: AlarmRequest;
  /** Path of the alarm within the body; absent if it is the body. */
  within?: BodyPath;
}

/** The draft in the body of a backtest, of a request for values, or of a test of actions. */
export function draftIn(body: unknown, { alarm }: { alarm: AlarmRequest }): SentAlarm {
  return { sent: memberOf(body, 'alarm'), alarm, within: ['alarm'] };
}

/**
 * Runs a check of an alarm. If the check refuses a field of the alarm, the error then has the path of that field within
 * the body of the request.
 */
export async function namingFields<T>(sent: SentAlarm, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const { field } = located(thrown, sent.alarm.rule);
    throw field === undefined ? thrown : thrown.at([...(sent.within ?? []), ...asSent(field, sent)]);
  }
}

/** Runs a check of a rule and of the rules within it. If it refuses one of these, the error then has the path of it. */
export async function locatingRules<T>(rule: AlarmRule, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (thrown) {
    throw thrown instanceof AppError ? located(thrown, rule) : thrown;
  }
}

/** The path of the first action with which a test is true; undefined if there is none. */
export function pathOfAction(
  { okActions, alarmActions, insufficientDataActions }: AlarmActions,
  isMeant: (action: string) => boolean,
): BodyPath | undefined {
  const lists = { ok: okActions, alarm: alarmActions, 'insufficient data': insufficientDataActions };
  for (const state of Object.keys(lists) as (keyof typeof lists)[]) {
    const index = (lists[state] ?? []).findIndex(isMeant);
    if (index >= 0) return [ACTION_LIST_OF[state], index];
  }
  return undefined;
}

function located(error: AppError, rule: AlarmRule): AppError {
  if (error.fieldIn === undefined || error.field !== undefined) return error;
  const { part, path } = error.fieldIn;
  const place = placeOf(part, rule);
  return place === undefined ? error : error.at([`${rule.type}_rule`, ...place, ...path]);
}

/** The path to a part of a rule: the rule itself, or one within it. */
function placeOf(part: object, rule: AlarmRule): BodyPath | undefined {
  if (part === rule) return [];
  return rule.type === 'composite' ? pathOfLeaf(rule.tree, part) : undefined;
}

/** The path as the client sent it. Lists of actions and of alarms have lost their duplicates when they were parsed. */
function asSent(path: BodyPath, { sent, alarm }: SentAlarm): BodyPath {
  let [written, parsed]: unknown[] = [sent, alarm];
  return path.map((name) => {
    const [list, member] = [written, memberOf(parsed, name)];
    const place = Array.isArray(list) && typeof member === 'string' ? list.indexOf(member) : -1;
    const shown = place < 0 ? name : place;
    [written, parsed] = [memberOf(written, shown), member];
    return shown;
  });
}

function memberOf(value: unknown, name: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[name] : undefined;
}

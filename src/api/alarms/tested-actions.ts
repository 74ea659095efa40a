import { normaliseAction, schemeOf, scrubAction } from '../../alarm/action-text.js';
import { ADMIN_SCHEMES } from '../../alarm/action.js';
import { ACTION_LIST_OF, type ActionList } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { shownText } from '../../alarm/wire/wire-types.js';
import { AppError, type BodyPath } from '../../errors.js';
import type { ChosenAction } from '../../storage/notifications/test-notification-store.js';
import { invalidInput } from '../http/query-parameters.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { MAX_TESTED_ACTIONS, type ActionChoice } from '../schema/test-fire-request.js';

/** The actions of an alarm, by the list that they are in. */
export type ActionsByList = Readonly<Record<ActionList, readonly string[] | null | undefined>>;

/** An action with its text, and its path in the body of the request; without one the alarm is stored. */
export type TestedAction = ChosenAction & { action: string; field?: BodyPath };

/**
 * The actions that a request tests, without duplicates: by default all of the state. A text may be in the list of
 * another state.
 * @throws AppError `invalid_request` for none, for too many, and for one that the alarm does not have.
 */
export function chosenActions(
  { state, actions }: { state: AlarmState; actions: readonly ActionChoice[] | null },
  lists: ActionsByList,
): TestedAction[] {
  const own = listed(lists, ACTION_LIST_OF[state]);
  if (actions === null && own.length === 0)
    throw new AppError('invalid_request', `The alarm has no ${ACTION_LIST_OF[state]} to test`, { field: ['state'] });
  if (actions?.length === 0)
    throw invalidInput('actions', '[]', 'Choose at least one action, or leave it out for all.').at(['actions']);
  const chosen =
    actions === null
      ? own
      : actions.map((choice, place) => theAction({ choice, field: ['actions', place] }, own, lists));
  const different = [...new Map(chosen.map((one) => [`${one.list} ${one.index}`, one])).values()];
  if (different.length > MAX_TESTED_ACTIONS) {
    const message = `The alarm has ${different.length} ${ACTION_LIST_OF[state]}: choose at most ${MAX_TESTED_ACTIONS}`;
    const advice = 'of them by their positions in "actions"';
    throw new AppError('invalid_request', `${message} ${advice}`, { field: ['actions'] });
  }
  return different;
}

function listed(lists: ActionsByList, list: ActionList): TestedAction[] {
  return (lists[list] ?? []).map((action, index) => ({ list, index, action }));
}

/** All actions of a draft. */
export function allActions(lists: ActionsByList): TestedAction[] {
  const all = Object.values(ACTION_LIST_OF).flatMap((list) => listed(lists, list));
  return all.map((one) => ({ ...one, field: [one.list, one.index] }));
}

function theAction(
  { choice, field }: { choice: ActionChoice; field: BodyPath },
  own: readonly TestedAction[],
  lists: ActionsByList,
): TestedAction {
  if (typeof choice === 'number') {
    const action = own[choice];
    if (action) return { ...action, field };
    const range = own.length === 0 ? 'The list of the state is empty.' : `It must be 0 to ${own.length - 1}.`;
    throw invalidInput('actions', String(choice), range).at(field);
  }
  const wanted = normaliseAction(choice);
  const all = [...own, ...Object.values(ACTION_LIST_OF).flatMap((list) => listed(lists, list))];
  const found =
    all.find(({ action }) => action === choice) ?? all.find((one) => normaliseAction(one.action) === wanted);
  if (!found) throw invalidInput('actions', shownText(choice), 'It is no action of the alarm.').at(field);
  return { ...found, field };
}

/** @throws AppError `forbidden` for an action that writes where the operator reads, unless the caller is an admin. */
export function refuseActionsOfAdmins(actions: readonly TestedAction[], identity: Identity): void {
  const refused = isAdmin(identity) ? undefined : actions.find(({ action }) => isForAdmins(action));
  if (refused === undefined) return;
  const { action, field = ['actions'] } = refused;
  const message = `Only admins may test the action ${scrubAction(action)}: choose others in "actions"`;
  throw new AppError('forbidden', message, { field });
}

function isForAdmins(action: string): boolean {
  const scheme = schemeOf(action);
  return scheme !== undefined && ADMIN_SCHEMES.includes(scheme);
}

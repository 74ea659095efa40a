import { normaliseAction, schemeOf, scrubAction, withoutTrust } from './action-text.js';
import { addressOf, hostOf, parseAction } from './action.js';
import type { AlarmActions } from './alarm.js';

declare const stored: unique symbol;
/**
 * An action as the database holds it: `sealed:<reference>:<the action without its secret parts>`, or the action as its
 * owner wrote it if it has none. Without a key, secret parts are stored as written, too. Values of
 * this type come only from the code that seals actions and from the database, so that the compiler refuses to store a
 * client's text.
 */
export type StoredAction = string & { readonly [stored]: true };

/** The three lists of an alarm's actions as they are stored. */
export type StoredActions = { [List in keyof AlarmActions]: StoredAction[] | null };

/** The parts of a sealed action. */
export interface SealedAction {
  /** Key of the whole action among the secrets of its alarm: the id of its address, numbered for other spellings. */
  reference: string;
  /** The same for all spellings of an address in one alarm, whichever key encrypts it. */
  addressId: string;
  /** The action without its secret parts. */
  shown: string;
}

const SEALED = /^sealed:(([\w-]{16})(?:\.\d+)?):(.*)$/s;

/** Returns the parts of a sealed action; undefined for one that is stored as written. */
export function sealedParts(action: StoredAction): SealedAction | undefined {
  const [, reference, addressId, shown = ''] = SEALED.exec(action) ?? [];
  return reference === undefined || addressId === undefined ? undefined : { reference, addressId, shown };
}

/** The stored form of an action whose secret parts are sealed under `reference`. */
export function sealedAction(reference: string, action: string): StoredAction {
  return `sealed:${reference}:${scrubAction(action)}` as StoredAction;
}

/** The stored form of an action without secret parts, and of any action if there is no key. */
export function unsealedAction(action: string): StoredAction {
  return action as StoredAction;
}

/** A stored action for logs, errors and lists, without its secret parts. */
export function shownAction(action: StoredAction): string {
  return sealedParts(action)?.shown ?? scrubAction(action);
}

/** `addressOf` for a stored action. */
export function storedAddressOf(action: StoredAction, projectId: string | null): string {
  const sealed = sealedParts(action);
  return sealed ? `sealed:${sealed.addressId}` : addressOf(action, projectId);
}

/** A text that is equal for two spellings of one stored action, for its delivery queue. */
export function normalisedStoredAction(action: StoredAction): string {
  const sealed = sealedParts(action);
  return sealed ? `sealed:${sealed.addressId}` : normaliseAction(action);
}

/**
 * The host of a stored action: see `hostOf`. An action that another release accepted and this one cannot parse must not
 * stop the transition: the notifier ends its notification with an error.
 */
export function receiverOf(action: StoredAction): string {
  const sealed = sealedParts(action);
  try {
    return sealed ? hostOfShown(sealed.shown) : hostOf(parseAction(action));
  } catch {
    return UNKNOWN_HOST;
  }
}

const UNKNOWN_HOST = 'unknown:';

/** The query is not parsed, since its values are missing. The whole action was parsed when it was accepted. */
function hostOfShown(shown: string): string {
  const scheme = schemeOf(shown);
  return scheme === undefined ? UNKNOWN_HOST : hostOf({ scheme, url: new URL(withoutTrust(shown)) });
}

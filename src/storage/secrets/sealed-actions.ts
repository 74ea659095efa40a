import { createHmac, randomBytes } from 'node:crypto';

import { hasSecretParts } from '../../alarm/action-text.js';
import { addressOf } from '../../alarm/action.js';
import type { AlarmActions } from '../../alarm/alarm.js';
import {
  sealedAction,
  sealedParts,
  unsealedAction,
  type StoredAction,
  type StoredActions,
} from '../../alarm/stored-action.js';
import type { Sealer, SecretLocation } from './sealed.js';

/** The actions of an alarm as they are stored, with the sealed text of those that have secret parts (null: none). */
export interface SealedActions extends StoredActions {
  actionSecrets: string | null;
}

/** The whole actions behind sealed ones, by their references. They are sealed as one text for an alarm. */
export interface ActionSecrets {
  /** Random, and kept as long as the alarm. References depend on it and not on the key. */
  salt: string;
  actions: Readonly<Record<string, string>>;
}

/** The alarm that a sealed text is bound to, with its project when the text was sealed. */
export interface SecretsOwner {
  id: string;
  projectId: string | null;
}

const SALT_BYTES = 16;
const ADDRESS_ID_CHARACTERS = 16;

/** The secrets of an alarm that has none yet. */
export function newActionSecrets(): ActionSecrets {
  return { salt: randomBytes(SALT_BYTES).toString('base64url'), actions: {} };
}

/**
 * The stored form of an alarm's actions. `before`: the secrets that the alarm had. With them an address keeps its id,
 * so that its notifications stay in order and are still listed. Without a key nothing is sealed.
 */
export function sealActions(
  alarm: SecretsOwner & AlarmActions,
  sealer: Sealer,
  before: ActionSecrets | undefined,
): SealedActions {
  const { salt } = before ?? newActionSecrets();
  const added = new AddedSecrets(alarm, { salt, actions: {} });
  const storedList = (actions: string[] | null): StoredAction[] | null =>
    actions && actions.map((action) => (sealer.refusal === undefined ? added.store(action) : unsealedAction(action)));
  const lists = {
    okActions: storedList(alarm.okActions),
    alarmActions: storedList(alarm.alarmActions),
    insufficientDataActions: storedList(alarm.insufficientDataActions),
  };
  const isSealed = sealer.refusal === undefined && (before !== undefined || added.count > 0);
  return { ...lists, actionSecrets: isSealed ? sealSecrets(added.secrets, alarm, sealer) : null };
}

/** Adds actions with secret parts to the secrets of an alarm, and gives their references. */
export class AddedSecrets {
  readonly #salt: string;
  readonly #actions: Map<string, string>;

  constructor(
    private readonly owner: SecretsOwner,
    { salt, actions }: ActionSecrets,
  ) {
    this.#salt = salt;
    this.#actions = new Map(Object.entries(actions));
  }

  get count(): number {
    return this.#actions.size;
  }

  get secrets(): ActionSecrets {
    return { salt: this.#salt, actions: Object.fromEntries(this.#actions) };
  }

  /** Returns the stored form of an action, and keeps the action if it has secret parts. */
  store(action: string): StoredAction {
    if (!hasSecretParts(action)) return unsealedAction(action);
    const addressId = createHmac('sha256', this.#salt)
      .update(addressOf(action, this.owner.projectId))
      .digest('base64url')
      .slice(0, ADDRESS_ID_CHARACTERS);
    let reference = addressId;
    for (let spelling = 2; (this.#actions.get(reference) ?? action) !== action; spelling += 1)
      reference = `${addressId}.${spelling}`;
    this.#actions.set(reference, action);
    return sealedAction(reference, action);
  }
}

/** Seals the secrets of an alarm as one text. */
export function sealSecrets(secrets: ActionSecrets, owner: SecretsOwner, sealer: Sealer): string {
  return sealer.seal(JSON.stringify(secrets), placeOf(owner));
}

/** Opens the sealed text of an alarm. @throws Error when its key is not configured. */
export function openSecrets(sealed: string, owner: SecretsOwner, sealer: Sealer): ActionSecrets {
  return JSON.parse(sealer.open(sealed, placeOf(owner))) as ActionSecrets;
}

/** The action as its owner wrote it. @throws Error when the secrets do not contain it. */
export function openAction(action: StoredAction, secrets: ActionSecrets | undefined): string {
  const sealed = sealedParts(action);
  if (!sealed) return action;
  const wholeAction = secrets?.actions[sealed.reference];
  if (wholeAction === undefined) throw new Error('the secret parts of a stored action are missing in the database');
  return wholeAction;
}

/** The actions as their owner wrote them. @throws Error when the secrets do not contain one. */
export function openActions(stored: StoredActions, secrets: ActionSecrets | undefined): AlarmActions {
  const openList = (actions: StoredAction[] | null): string[] | null =>
    actions && actions.map((action) => openAction(action, secrets));
  return {
    okActions: openList(stored.okActions),
    alarmActions: openList(stored.alarmActions),
    insufficientDataActions: openList(stored.insufficientDataActions),
  };
}

/** True if an action is stored with its secret parts, because there was no key. */
export function isUnsealed(action: StoredAction): boolean {
  return sealedParts(action) === undefined && hasSecretParts(action);
}

/** True if one of an alarm's actions is stored with its secret parts. */
export function hasUnsealed({ okActions, alarmActions, insufficientDataActions }: StoredActions): boolean {
  return [okActions, alarmActions, insufficientDataActions].some((list) => list?.some(isUnsealed));
}

function placeOf({ id, projectId }: SecretsOwner): SecretLocation {
  return { table: 'alarms', rowId: id, projectId };
}

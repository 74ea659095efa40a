import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { hasSecretParts, normaliseAction } from '../../../src/alarm/action-text.js';
import { deliveryQueueOf, listedActions } from '../../../src/alarm/notification.js';
import { receiverOf, shownAction, unsealedAction, type StoredAction } from '../../../src/alarm/stored-action.js';
import {
  openActions,
  openSecrets,
  sealActions,
  type ActionSecrets,
  type SealedActions,
} from '../../../src/storage/secrets/sealed-actions.js';
import { secretActions } from '../../support/secret-actions.js';
import { TEST_SEALER, WITHOUT_KEY } from '../../support/sealer.js';

const OWNER = { id: 'a', projectId: 'p' };
const HOOK = 'https://hooks.example/v1?sig=abc';

function seal(actions: string[], before?: ActionSecrets, owner = OWNER): SealedActions {
  const alarm = { ...owner, okActions: null, alarmActions: actions, insufficientDataActions: [] };
  return sealActions(alarm, TEST_SEALER, before);
}

function open(sealed: SealedActions): string[] | null {
  return openActions(sealed, secretsOf(sealed)).alarmActions;
}

function secretsOf({ actionSecrets }: SealedActions): ActionSecrets | undefined {
  return actionSecrets === null ? undefined : openSecrets(actionSecrets, OWNER, TEST_SEALER);
}

function only(sealed: SealedActions): StoredAction {
  return sealed.alarmActions![0]!;
}

describe('a sealed action', () => {
  test('is read byte for byte as it was written, and its stored text holds no secret part', () => {
    const property = fc.property(fc.array(secretActions, { minLength: 1, maxLength: 4 }), (given) => {
      const actions = given.map(({ action }) => action);
      const sealed = seal(actions);
      expect(open(sealed)).toEqual(actions);
      const stored = JSON.stringify(sealed);
      for (const secret of given.flatMap(({ secrets }) => secrets)) expect(stored).not.toContain(secret);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('is shown without its secret parts, and has the host that it has when it is sent', () => {
    fc.assert(
      fc.property(secretActions, ({ action, secrets }) => {
        const stored = only(seal([action]));
        for (const secret of secrets) expect(shownAction(stored)).not.toContain(secret);
        const host = receiverOf(unsealedAction(action));
        fc.pre(host !== 'unknown:'); // an action that the API refuses
        expect(receiverOf(stored)).toBe(host);
      }),
    );
  });

  test('an action without secret parts is stored as it was written, and nothing is sealed', () => {
    const actions = ['http://h/x', 'log://', 'queue://jobs', 'HTTP://h/?', 'http://h/#', 'trust+heat:'];
    expect(seal(actions)).toMatchObject({ alarmActions: actions, actionSecrets: null });
    expect(actions.map(hasSecretParts)).toEqual(actions.map(() => false));
  });

  test('without a key, an action is stored as it was written', () => {
    const alarm = { ...OWNER, okActions: [HOOK], alarmActions: null, insufficientDataActions: null };
    expect(sealActions(alarm, WITHOUT_KEY, undefined)).toMatchObject({ okActions: [HOOK], actionSecrets: null });
  });
});

describe('the reference of a sealed action', () => {
  test('stays when an edit keeps the address, moves it to another list or spells it in another way', () => {
    const before = seal([HOOK, 'http://h/?a=1']);
    const secrets = secretsOf(before);
    const [stored] = before.alarmActions!;
    expect(only(seal([HOOK], secrets))).toBe(stored);
    const moved = { ...OWNER, okActions: [HOOK], alarmActions: [], insufficientDataActions: null };
    expect(sealActions(moved, TEST_SEALER, secrets).okActions).toEqual([stored]);
    const respelled = only(seal([HOOK.replace('https', 'HTTPS')], secrets));
    expect(deliveryQueueOf('a', respelled)).toBe(deliveryQueueOf('a', stored!));
  });

  test('stays when an edit removes the action and another one adds it again', () => {
    const before = seal([HOOK]);
    const without = seal([], secretsOf(before));
    expect(only(seal([HOOK], secretsOf(without)))).toBe(only(before));
  });

  test('differs between alarms, and between a trust action of two projects', () => {
    expect(only(seal([HOOK]))).not.toBe(only(seal([HOOK])));
    const trust = `trust+${HOOK}`;
    const before = seal([trust]);
    expect(only(seal([trust], secretsOf(before), { id: 'a', projectId: 'q' }))).not.toBe(only(before));
  });

  test('is of its own for each spelling in one alarm, and both are one address', () => {
    const spellings = [HOOK, HOOK.replace('https', 'HTTPS'), `${HOOK}#`];
    const sealed = seal(spellings);
    expect(open(sealed)).toEqual(spellings);
    expect(new Set(sealed.alarmActions).size).toBe(3);
    expect(new Set(sealed.alarmActions!.map((action) => deliveryQueueOf('a', action))).size).toBe(1);
    const isListed = listedActions({ ...seal([HOOK], secretsOf(sealed)), projectId: 'p' });
    for (const action of sealed.alarmActions!)
      expect(isListed({ actionList: 'alarm_actions', action, projectId: 'p' })).toBe(true);
  });

  test('is listed as long as the list has the address', () => {
    const before = seal([HOOK, 'http://h/?a=1']);
    const isListed = listedActions({ ...seal([HOOK], secretsOf(before)), projectId: 'p' });
    const notifications = before.alarmActions!.map((action) => ({
      actionList: 'alarm_actions',
      action,
      projectId: 'p',
    }));
    expect(notifications.map(isListed)).toEqual([true, false]);
  });
});

test('the compiler refuses to store a text of a client', () => {
  // @ts-expect-error -- only the sealing makes stored actions
  const stored: StoredAction = HOOK;
  expect(stored).toBe(HOOK);
});

test('an action whose secret parts are not in the row is an error, not an address without them', () => {
  const sealed = seal([HOOK]);
  expect(() => openActions(sealed, undefined)).toThrow('missing');
  expect(normaliseAction(open(sealed)![0]!)).toBe(HOOK);
});

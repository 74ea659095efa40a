import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { hasSecretParts, scrubAction } from '../../../src/alarm/action-text.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import { shownDetail } from '../../../src/storage/alarms/shown-detail.js';
import { anyCharacter } from '../../support/any-character.js';
import { secretActions } from '../../support/secret-actions.js';

const texts = fc.string({ unit: anyCharacter, maxLength: 8 });
const lists = fc.oneof(fc.constant(null), fc.array(fc.oneof(secretActions, texts), { maxLength: 3 }));

test('the detail of an entry loses the secret parts of its actions, and no other byte', () => {
  const property = fc.property(texts, lists, lists, (description, ok, alarm) => {
    const whole = (list: typeof ok) => list && list.map((one) => (typeof one === 'string' ? one : one.action));
    const shown = (list: typeof ok) =>
      whole(list)?.map((action) => (hasSecretParts(action) ? scrubAction(action) : action)) ?? null;
    const other = { description, rule: { ok_actions: description }, threshold: 1e21 };
    const detail = pythonJson({ ...other, ok_actions: whole(ok), alarm_actions: whole(alarm), severity: 'low' });
    const expected = pythonJson({ ...other, ok_actions: shown(ok), alarm_actions: shown(alarm), severity: 'low' });
    expect(shownDetail(detail)).toBe(expected);
    expect(shownDetail(expected)).toBe(expected);
  });
  fc.assert(property, { numRuns: 500 });
});

test.each([
  '{"state": "alarm", "transition_reason": "because of \\"alarm_actions\\": [\\"http://u:p@h/\\"]"}',
  '{"alarm_actions": null, "ok_actions": []}',
  '{}',
])('the detail %s has no secret parts and stays', (detail) => {
  expect(shownDetail(detail)).toBe(detail);
});

import { expect, test } from '@jest/globals';

import { alarmMatcher, type MatchedAlarm, type AlarmMatcher } from '../../../src/alarm/silence/matchers.js';
import { SilenceIndex } from '../../../src/alarm/silence/silence-index.js';

const ALARM: MatchedAlarm = { id: 'a', projectId: 'p', name: 'web-1 cpu', type: 'threshold', severity: 'critical' };

const name = (value: string): AlarmMatcher[] => [{ field: 'name', value }];

test.each<[string, AlarmMatcher[], boolean]>([
  ['the id of the alarm', [{ field: 'alarm_id', value: 'a' }], true],
  ['another id', [{ field: 'alarm_id', value: 'A' }], false],
  ['an id with a pattern, which is no pattern there', [{ field: 'alarm_id', value: '*' }], false],
  ['the type', [{ field: 'type', value: 'threshold' }], true],
  ['another severity', [{ field: 'severity', value: 'low' }], false],
  ['the name', name('web-1 cpu'), true],
  ['a part of the name', name('web'), false],
  ['the beginning of the name', name('web-*'), true],
  ['the end of the name', name('*cpu'), true],
  ['another end', name('*disk'), false],
  ['the middle of the name', name('*-1 *'), true],
  ['another middle', name('*-2 *'), false],
  ['a character of any kind', name('web-? cpu'), true],
  ['a set of characters', name('web-[0-9] cpu'), true],
  ['a name in other case', name('WEB-*'), false],
  ['any name', name('*'), true],
  ['two patterns of which one does not match', [...name('web*'), ...name('*disk')], false],
  ['a field of another release', [{ field: 'label.team', value: 'x' } as unknown as AlarmMatcher], false],
  ['no matcher', [], false],
])('matches %s: %j is %s', (_, matchers, isMatched) => {
  expect(alarmMatcher(matchers)(ALARM)).toBe(isMatched);
});

test('the index finds the silences of the alarm, of its project, also among several, and of all, and no others', () => {
  const silence = (id: string, projects: string | string[], matchers: AlarmMatcher[]) => ({
    silence: { id, projects: [projects].flat(), matchers },
    matches: alarmMatcher(matchers),
  });
  const index = new SilenceIndex([
    silence('of its id', 'p', [{ field: 'alarm_id', value: 'a' }]),
    silence('of its id and another type', 'p', [
      { field: 'alarm_id', value: 'a' },
      { field: 'type', value: 'event' },
    ]),
    silence('of its id in another project', 'q', [{ field: 'alarm_id', value: 'a' }]),
    silence('of its id in all projects', '*', [{ field: 'alarm_id', value: 'a' }]),
    silence('of its project', 'p', name('web*')),
    silence('of another project', 'q', name('*')),
    silence('of no project', '', name('*')),
    silence('of all projects', '*', name('*')),
    silence('of its id in several projects', ['p', 'q'], [{ field: 'alarm_id', value: 'a' }]),
    silence('of its id in several others', ['q', 'r'], [{ field: 'alarm_id', value: 'a' }]),
    silence('of several projects', ['o', 'p'], name('*')),
    silence('of several other projects', ['q', 'r'], name('*')),
  ]);
  const ofItsId = ['of its id', 'of its id in all projects', 'of its id in several projects'];
  const found = [...ofItsId, 'of its project', 'of several projects', 'of all projects'];
  expect([...index.of(ALARM)].map(({ id }) => id)).toEqual(found);
  expect([...index.of({ ...ALARM, id: 'b', projectId: null })].map(({ id }) => id)).toEqual([
    'of no project',
    'of all projects',
  ]);
});

import { describe, expect, test } from '@jest/globals';

import { OutcomeFollower, outcomeText } from '../../src/console/notifications/replay-outcome.js';
import type { LiveEvent } from '../../src/console/requests/live-events.js';

const SINCE = '2026-01-01T12:00:00Z';
const BEFORE = '2026-01-01T11:59:59Z';

const ended = (id: string, status: string, time = '2026-01-01T12:00:01Z'): LiveEvent =>
  ({ name: 'delivery', data: { notification_id: id, status, time } }) as unknown as LiveEvent;
const RESET: LiveEvent = { name: 'reset' };

describe('what is said of a replay', () => {
  test.each([
    { after: 'nothing ended', events: [], said: '3 are waiting to be sent' },
    { after: 'one was delivered', events: [ended('a', 'delivered')], said: '1 delivered, 2 are waiting to be sent' },
    {
      after: 'all ended',
      events: [ended('c', 'dead'), ended('a', 'delivered'), ended('b', 'delivered')],
      said: '2 delivered, 1 dead again',
    },
    {
      after: 'one that was superseded is dead',
      before: 'superseded',
      events: [ended('a', 'dead'), ended('b', 'superseded'), ended('c', 'delivered')],
      said: '1 delivered, 1 dead, 1 superseded again',
    },
    {
      after: 'another notification ended',
      events: [ended('z', 'dead'), ended('a', 'dead'), ended('b', 'superseded')],
      said: '1 dead again, 1 superseded, 1 is waiting to be sent',
    },
    {
      after: 'their ends before it are told late',
      events: [ended('a', 'dead', BEFORE)],
      said: '3 are waiting to be sent',
    },
    {
      after: 'an end is told twice',
      events: [ended('a', 'dead'), ended('a', 'dead')],
      said: '1 dead again, 2 are waiting to be sent',
    },
    { after: 'events may be missing', events: [ended('a', 'dead'), RESET], said: '1 dead again, 2 not seen to end' },
  ])('after $after: $said', ({ events, said, before = 'dead' }) => {
    for (const hearsFirst of [true, false]) {
      const follower = new OutcomeFollower(Date.parse(SINCE));
      if (hearsFirst) follower.hear(events);
      follower.add(['a', 'b']);
      follower.add(['b', 'c']);
      if (!hearsFirst) follower.hear(events);
      expect(outcomeText(follower.outcome(), before)).toBe(said);
    }
  });
});

describe('a replay of two notifications that has sent both', () => {
  test.each([
    { hears: 'the end of one', events: [ended('a', 'dead')], isChanged: true, isOver: false },
    { hears: 'both ends', events: [ended('a', 'dead'), ended('b', 'dead')], isChanged: true, isOver: true },
    { hears: 'the end of another', events: [ended('z', 'dead')], isChanged: false, isOver: false },
    { hears: 'an end before it', events: [ended('a', 'dead', BEFORE)], isChanged: false, isOver: false },
    { hears: 'of a gap', events: [RESET], isChanged: true, isOver: false },
  ])('is changed by $hears: $isChanged; is over: $isOver', ({ events, isChanged, isOver }) => {
    const follower = new OutcomeFollower(Date.parse(SINCE));
    follower.add(['a', 'b']);
    expect(follower.isOver()).toBe(false);
    follower.complete();
    expect(follower.hear(events)).toBe(isChanged);
    expect(follower.hear(events)).toBe(false);
    expect(follower.isOver()).toBe(isOver);
  });
});

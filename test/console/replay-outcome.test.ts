import { describe, expect, test } from '@jest/globals';

import { OutcomeFollower, outcomeText } from '../../src/console/notifications/replay-outcome.js';
import type { LiveEvent } from '../../src/console/requests/live-events.js';

const SINCE = '2026-01-01T12:00:00Z';

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
      after: 'another notification ended',
      events: [ended('z', 'dead'), ended('a', 'dead'), ended('b', 'superseded')],
      said: '1 dead again, 1 superseded, 1 is waiting to be sent',
    },
    {
      after: 'their ends before it are told late',
      events: [ended('a', 'dead', '2026-01-01T11:59:59Z')],
      said: '3 are waiting to be sent',
    },
    {
      after: 'an end is told twice',
      events: [ended('a', 'dead'), ended('a', 'dead')],
      said: '1 dead again, 2 are waiting to be sent',
    },
    { after: 'events may be missing', events: [ended('a', 'dead'), RESET], said: '1 dead again, 2 not seen to end' },
  ])('after $after: $said', ({ events, said }) => {
    for (const hearsFirst of [true, false]) {
      const follower = new OutcomeFollower(Date.parse(SINCE));
      if (hearsFirst) follower.hear(events);
      follower.add(['a', 'b']);
      follower.add(['b', 'c']);
      if (!hearsFirst) follower.hear(events);
      expect(outcomeText(follower.outcome())).toBe(said);
    }
  });
});

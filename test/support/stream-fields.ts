import { expect } from '@jest/globals';

import { MEMBER, type TestApi } from './api.js';
import { openEventStream } from './event-stream.js';
import { eventually } from './eventually.js';

/** Status and kinds of events of three streams, the last with a filter, in which `createThree` makes three alarms. */
async function streamedKinds(api: TestApi, search: string, createThree: () => Promise<unknown>): Promise<string[]> {
  const answers: string[] = [];
  for (const given of [false, false, true]) {
    const stream = await openEventStream(`${api.url}/v1/stream${given ? `?${search}` : ''}`, MEMBER);
    const all = await openEventStream(`${api.url}/v1/stream`, MEMBER);
    await createThree();
    await eventually(async () => {
      api.streams.wake();
      await api.clock.advance(100);
      const shortest = Math.min(all.events.length, given ? Infinity : stream.events.length);
      expect(shortest).toBeGreaterThanOrEqual(3);
    });
    answers.push(`${stream.status} ${[...new Set(stream.events.map(({ event }) => event))].join()}`);
    stream.close();
    all.close();
  }
  return answers;
}

/** Status of three streams, the last with a parameter whose value is refused. */
async function refusals(api: TestApi, search: string): Promise<string[]> {
  const answers: string[] = [];
  for (const query of ['', '', `?${search}`]) {
    const stream = await openEventStream(`${api.url}/v1/stream${query}`, MEMBER);
    answers.push(String(stream.status));
    stream.close();
  }
  return answers;
}

const FILTERS = ['alarm_id=none', 'last_event_id=none'];
const REFUSED = ['event=none', 'type=none', 'state=none', 'severity=none', 'project_id=p2'];

/** The rows of the fields of `GET /v1/stream`. */
export function streamRows({ api, threeAlarms }: { api: () => TestApi; threeAlarms: () => Promise<unknown> }) {
  const row = (search: string): string => `GET /v1/stream ?${search.split('=')[0]}`;
  return {
    ...Object.fromEntries(
      FILTERS.map((search) => [row(search), { answers: () => streamedKinds(api(), search, threeAlarms) }]),
    ),
    ...Object.fromEntries(
      REFUSED.map((search) => [row(search), { answers: () => refusals(api(), search), meaning: 'refused' as const }]),
    ),
  };
}

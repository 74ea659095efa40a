import { repeat, type Attack } from './attack.js';

/** What a body of 64 KiB holds, with short URLs. */
const MOST_ACTIONS = 4_200;
const EVENTS = 40;

/** Attacks by alarms and events that are costly to store, to evaluate or to send. */
export const WRITE_ATTACKS: readonly Attack[] = [
  {
    name: '40 loops that create and edit alarms by the ten thousand',
    run: (attacker, signal) =>
      repeat(40, signal, (round, loop) =>
        attacker.send('POST', '/v2/alarms', {
          body: {
            name: `alarm ${loop} ${round}`,
            type: 'threshold',
            threshold_rule: { meter_name: `m${loop}-${round}`, threshold: 1, comparison_operator: 'gt', period: 60 },
          },
          signal,
        }),
      ),
  },
  {
    name: '10 loops that write combinations of 800 alarms and circles of them',
    async run(attacker, signal) {
      const listed = (await attacker.must('GET', '/v2/alarms?q.field=type&q.op=eq&q.value=event')) as {
        alarm_id: string;
      }[];
      const ids = listed.slice(0, 800).map(({ alarm_id }) => alarm_id);
      await repeat(10, signal, async () => {
        const rule = { name: 'knot', type: 'combination', combination_rule: { operator: 'or', alarm_ids: ids } };
        const { status, text } = await attacker.send('POST', '/v2/alarms', { body: rule, signal });
        if (status !== 201) return;
        const id = (JSON.parse(text) as { alarm_id: string }).alarm_id;
        const circle = { ...rule, combination_rule: { operator: 'or', alarm_ids: [...ids.slice(1), id] } };
        await attacker.send('PUT', `/v2/alarms/${id}`, { body: circle, signal });
        await attacker.send('DELETE', `/v2/alarms/${id}`, { signal });
      });
    },
  },
  {
    name: '50 loops of cheap requests',
    run: (attacker, signal) => repeat(50, signal, () => attacker.send('GET', '/v2/alarms?limit=1', { signal })),
  },
  // The last one: its notifications keep the notifier busy for minutes.
  {
    name: `${EVENTS} events at once on an alarm with ${MOST_ACTIONS} actions`,
    longestListMs: 1_000,
    async prepare(attacker) {
      await attacker.must('POST', '/v2/alarms', {
        name: 'many actions',
        type: 'event',
        event_rule: { event_type: 'storm' },
        repeat_actions: true,
        alarm_actions: Array.from({ length: MOST_ACTIONS }, (_, index) => `http://a/${index.toString(36)}`),
      });
    },
    run: (attacker, signal) =>
      repeat(1, signal, (round) =>
        attacker.send('POST', '/v2/events', {
          body: Array.from({ length: EVENTS }, (_, index) => ({
            event_type: 'storm',
            message_id: `${round}-${index}`,
            generated: '2026-01-01T00:00:00',
            traits: [['project_id', 1, attacker.project]],
          })),
          signal,
        }),
      ),
  },
];

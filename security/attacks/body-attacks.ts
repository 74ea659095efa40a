import { repeat, type Attack } from './attack.js';

const LARGE_BODY = 15.9 * 1024 * 1024;
const SMALL_BODY = 63 * 1024;

function sample(resource: string): Record<string, unknown> {
  return {
    counter_name: 'large',
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: 1,
    resource_id: resource,
    timestamp: '2026-01-01T00:00:00',
    resource_metadata: {},
  };
}

function largeBody(item: (index: number) => unknown): string {
  const items: string[] = [];
  for (let bytes = 0; bytes < LARGE_BODY;) {
    const text = JSON.stringify(item(items.length));
    items.push(text);
    bytes += text.length + 1;
  }
  return `[${items.slice(0, -1).join(',')}]`;
}

function nested(open: string, close: string, bytes: number): string {
  const levels = Math.floor(bytes / (open.length + close.length));
  return open.repeat(levels) + close.repeat(levels);
}

/** Requests that are refused, after checks that depend on all of their 63 KB. */
function costlyToCheck(): { target: string; body: unknown }[] {
  const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
  const alarm = (fields: object): { target: string; body: unknown } => ({
    target: '/v2/alarms',
    body: { name: 'n', type: 'unknown', ...fields },
  });
  const pattern = { '=~': { alarm_id: `(?i)[${'B-𞤀'.repeat(60)}]` } };
  const cron = { start: `${'1,'.repeat(15)}1 ${'1,'.repeat(15)}1 31 2 *`, duration: 1 };
  const constraints = Array.from({ length: 20 }, (_, index) => ({ ...cron, name: `n${index}` }));
  return [
    { target: '/v2/query/alarms', body: { filter: JSON.stringify({ or: many(100, pattern) }) } },
    { target: '/v2/query/alarms', body: { filter: nested('[', ']', SMALL_BODY) } },
    { target: '/v2/query/alarms', body: { filter: JSON.stringify({ in: { severity: many(8_000, 'low') } }) } },
    alarm({ ok_actions: many(4_900, 1) }),
    alarm({ name: 'a://b '.repeat(SMALL_BODY / 6.1) }),
    alarm({ time_constraints: constraints }),
  ];
}

/** Attacks by bodies that are costly to hold, to parse, to check or to store. */
export const BODY_ATTACKS: readonly Attack[] = [
  {
    name: '12 bodies of 16 MB of samples at once',
    run(attacker, signal) {
      const body = largeBody((index) => sample(`r${index % 1_000}`));
      return repeat(12, signal, () => attacker.send('POST', '/v2/meters/large', { body, signal }));
    },
  },
  {
    name: '12 bodies of 16 MB with one sample of 16 MB',
    run(attacker, signal) {
      const metadata = Object.fromEntries(Array.from({ length: 900_000 }, (_, index) => [`k${index}`, index]));
      const body = JSON.stringify([{ ...sample('r'), resource_metadata: metadata }]).slice(0, LARGE_BODY);
      return repeat(12, signal, () => attacker.send('POST', '/v2/meters/large', { body, signal }));
    },
  },
  {
    name: '12 bodies of 16 MB that are nested 8 million deep',
    run(attacker, signal) {
      const body = nested('[', ']', LARGE_BODY);
      return repeat(12, signal, () => attacker.send('POST', '/v2/meters/large', { body, signal }));
    },
  },
  {
    name: '20 loops of alarms of 63 KB with thousands of values',
    run(attacker, signal) {
      const rules = Array.from({ length: 4_000 }, (_, index) => ({ field: `traits.f${index}`, value: 1 }));
      const text = JSON.stringify({ name: 'n', type: 'event', event_rule: { query: rules } });
      const body = text.length < SMALL_BODY ? text : text.slice(0, SMALL_BODY);
      const composite = `{"name":"n","type":"composite","composite_rule":${nested('{"and":[', ']}', SMALL_BODY / 2)}}`;
      return repeat(20, signal, (round) =>
        attacker.send('POST', '/v2/alarms', { body: round % 2 === 0 ? body : composite, signal }),
      );
    },
  },
  {
    name: '8 loops of bodies of 63 KB that are costly to check',
    async run(attacker, signal) {
      const requests = costlyToCheck();
      await repeat(8, signal, async (round, loop) => {
        const { target, body } = requests[(round + loop) % requests.length]!;
        const { status, text } = await attacker.send('POST', target, { body, signal });
        if (status !== 0 && status !== 400)
          attacker.faults.push(`POST ${target} is answered ${status}: ${text.slice(0, 200)}`);
      });
    },
  },
];

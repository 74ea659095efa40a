import { repeat, type Attack } from './attack.js';
import type { Tenant } from './tenant.js';

const SAMPLES = 200_000;
const SAMPLES_PER_REQUEST = 10_000;
const LONG_RULES = 200;
/** Most conditions of a length that fit into a body of 64 KiB: a rule of 55 KB. */
const LONG_CONDITIONS = 26;
const LONGEST_VALUE = 2_048;
const GIANTS = 20;
const PARTS_OF_GIANT = 800;

async function storeSamples(attacker: Tenant): Promise<void> {
  const start = Date.UTC(2026, 10, 1);
  for (let stored = 0; stored < SAMPLES; stored += SAMPLES_PER_REQUEST) {
    const samples = Array.from({ length: SAMPLES_PER_REQUEST }, (_, index) => ({
      counter_name: 'heavy',
      counter_type: 'gauge',
      counter_unit: '%',
      counter_volume: index,
      resource_id: `r${index % 2_000}`,
      user_id: `u${index % 50}`,
      timestamp: new Date(start + (stored + index) * 1_000).toISOString().slice(0, 19),
      resource_metadata: { zone: `z${index % 7}` },
    }));
    await attacker.must('POST', '/v2/meters/heavy', samples);
  }
}

async function storeLongRules(attacker: Tenant): Promise<void> {
  const condition = { field: 'traits.a', op: 'eq', type: 'string', value: 'ab'.repeat(LONGEST_VALUE / 2) };
  for (let index = 0; index < LONG_RULES; index++) {
    await attacker.must('POST', '/v2/alarms', {
      name: `long ${index}`,
      type: 'event',
      event_rule: { query: Array.from({ length: LONG_CONDITIONS }, () => condition) },
    });
  }
}

/** Combinations of all members of the level before: 20 levels, each a combination of hundreds of alarms. */
async function storeGiants(attacker: Tenant): Promise<void> {
  const leaves: string[] = [];
  for (let index = 0; index < PARTS_OF_GIANT; index++) {
    const created = await attacker.must('POST', '/v2/alarms', { name: 'leaf', type: 'event', event_rule: {} });
    leaves.push((created as { alarm_id: string }).alarm_id);
  }
  let ids = leaves;
  for (let level = 0; level < GIANTS; level++) {
    const { status, text } = await attacker.send('POST', '/v2/alarms', {
      body: { name: `giant ${level}`, type: 'combination', combination_rule: { operator: 'and', alarm_ids: ids } },
    });
    if (status !== 201) return; // refused as too large
    ids = [...ids, (JSON.parse(text) as { alarm_id: string }).alarm_id].slice(-PARTS_OF_GIANT);
  }
}

function complexQuery(filter: unknown): { filter: string } {
  return { filter: JSON.stringify(filter) };
}

const DRAFT = {
  name: 'draft',
  type: 'threshold',
  threshold_rule: { meter_name: 'heavy', threshold: 1, period: 60, comparison_operator: 'gt' },
};

/** Attacks by queries that are costly to answer. */
export const QUERY_ATTACKS: readonly Attack[] = [
  {
    name: '9 statistics of 200,000 samples by resource and user at once',
    prepare: storeSamples,
    run(attacker, signal) {
      const targets = [
        '/v2/meters/heavy/statistics?groupby=resource_id&groupby=user_id&period=1',
        '/v2/meters/heavy/statistics?groupby=resource_id',
        '/v2/meters/heavy/statistics?q.field=metadata.zone&q.op=eq&q.value=z1&period=60',
      ];
      return repeat(9, signal, (round, loop) =>
        attacker.send('GET', targets[(round + loop) % targets.length] ?? '', { signal }),
      );
    },
  },
  {
    name: '8 searches with =~ in rules of 55 KB at once',
    prepare: storeLongRules,
    run(attacker, signal) {
      const body = complexQuery({ '=~': { rule: '(a|b|ab)*(ba|b)*c' } });
      return repeat(8, signal, async (_, loop) => {
        const { status, text } = await attacker.send('POST', '/v2/query/alarms', {
          body: loop % 2 === 0 ? body : complexQuery({ '=~': { description: '(x+x+)+y' } }),
          signal,
        });
        if (status === 400) attacker.faults.push(`the search is not tried: ${text.slice(0, 200)}`);
      });
    },
  },
  {
    name: '8 searches with like in rules of 55 KB at once',
    run(attacker, signal) {
      const body = complexQuery({ like: { rule: `%${'a%b%'.repeat(30)}c` } });
      return repeat(8, signal, () => attacker.send('POST', '/v2/query/alarms', { body, signal }));
    },
  },
  {
    name: '8 searches in the history without a limit at once',
    run(attacker, signal) {
      const body = complexQuery({ not: { '=': { alarm_id: 'x' } } });
      return repeat(8, signal, () => attacker.send('POST', '/v2/query/alarms/history', { body, signal }));
    },
  },
  {
    name: '8 backtests over a year at once',
    run: (attacker, signal) =>
      repeat(8, signal, () =>
        attacker.send('POST', '/v2/alarms/backtest', {
          body: { alarm: DRAFT, start: '2025-11-01T00:00:00', stop: '2026-11-01T00:00:00', step: 700 },
          signal,
        }),
      ),
  },
  {
    name: '20 loops that explain and list combinations of 800 alarms',
    prepare: storeGiants,
    async run(attacker, signal) {
      const listed = await attacker.must('GET', '/v2/alarms?q.field=type&q.op=eq&q.value=combination');
      const ids = (listed as { alarm_id: string }[]).map(({ alarm_id }) => alarm_id);
      await repeat(20, signal, (round, loop) =>
        attacker.send('GET', `/v2/alarms/${ids[(round + loop) % ids.length]}/explain`, { signal }),
      );
    },
  },
];

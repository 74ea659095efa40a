import { Agent } from 'node:http';

import { percentile, plain, type Figure } from '../figure.js';
import type { Rig } from '../rig.js';
import { call, durations } from './http-call.js';

const HOURS = 24;
const STEP_S = 60;
const CHARTS = 10;
/** Samples are sent every 30 seconds, so each period has two. */
const SAMPLE_S = 30;

/** The chart of one alarm on a built-in meter: what it compared over 24 hours, at each minute. */
export async function benchChart(rig: Rig): Promise<Figure[]> {
  const api = await rig.service('api');
  const agent = new Agent({ keepAlive: true });
  try {
    const threshold_rule = {
      meter_name: 'cpu_util',
      comparison_operator: 'gt',
      threshold: 80,
      period: STEP_S,
      evaluation_periods: 3,
    };
    const body = { name: 'chart', type: 'threshold', threshold_rule };
    const { alarm_id: id } = JSON.parse(await call(agent, `${api.url}/v2/alarms`, { method: 'POST', body })) as {
      alarm_id: string;
    };
    await sendSamples(api.url, agent);
    const stop = new Date(Math.floor(Date.now() / 1000) * 1000);
    const start = new Date(stop.getTime() - HOURS * 3_600_000);
    const query = `start=${start.toISOString()}&stop=${stop.toISOString()}&step=${STEP_S}`;
    const found = await durations(CHARTS, async () => {
      const { series } = JSON.parse(await call(agent, `${api.url}/v1/alarms/${id}/values?${query}`)) as {
        series: { points: unknown[] }[];
      };
      const points = series[0]?.points.length;
      if (points !== (HOURS * 3600) / STEP_S + 1) throw new Error(`the chart has ${points} points`);
    });
    const title = `chart of ${HOURS} h at ${STEP_S} s`;
    return [
      plain(`${title}: median`, percentile(found, 0.5), 'ms'),
      plain(`${title}: longest of ${CHARTS}`, Math.max(...found), 'ms'),
    ];
  } finally {
    agent.destroy();
    await api.process.stop();
  }
}

async function sendSamples(url: string, agent: Agent): Promise<void> {
  const count = (HOURS * 3600) / SAMPLE_S;
  const newest = Date.now();
  const samples = Array.from({ length: count }, (_, n) => ({
    counter_name: 'cpu_util',
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: 50 + 40 * Math.sin(n / 100),
    resource_id: 'web-1',
    timestamp: new Date(newest - n * SAMPLE_S * 1000).toISOString(),
  }));
  for (let from = 0; from < count; from += 500)
    await call(agent, `${url}/v2/meters/cpu_util`, { method: 'POST', body: samples.slice(from, from + 500) });
}

import { expect } from '@jest/globals';
import type { ServerResponse } from 'node:http';

import { eventually } from './eventually.js';
import { startReceiver, type ReceivedRequest } from './receiver-server.js';
import { freePort, startService, type ServiceProcess } from './service-process.js';

/** A service that answers. */
export interface RunningService extends ServiceProcess {
  url: string;
}

/** Starts a service with these settings, as `startService` takes them, and waits until it is ready. */
export async function serve(settings: Record<string, string>): Promise<RunningService> {
  const port = await freePort();
  const service = startService({ API_PORT: String(port), EVALUATOR_INTERVAL: '1s', ...settings });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (!service.isRunning()) throw new Error(service.log());
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
  return { ...service, url };
}

/** A receiver that refuses everything until it is told otherwise. */
export async function startMoodyReceiver() {
  let status = 503;
  const accepted: ReceivedRequest[] = [];
  const receiver = await startReceiver((request, response: ServerResponse) => {
    if (status < 300) accepted.push(request);
    response.writeHead(status).end();
  });
  return { ...receiver, accepted, accept: () => (status = 204), refuse: () => (status = 503) };
}

/** Requests to one service about one alarm, which is in state alarm while the average of an hour is above 80. */
export function alarmAt({ url }: Pick<RunningService, 'url'>) {
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect([response.status, path]).toEqual([201, path]);
    return response.json();
  };
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${url}${path}`)).json()) as T;
  return {
    create: async (receiver: string): Promise<string> => {
      const rule = { meter_name: 'cpu', comparison_operator: 'gt', threshold: 80, period: 3600 };
      const actions = { alarm_actions: [`${receiver}/alarm?token=s3cret`], ok_actions: [`${receiver}/ok`] };
      const made = await post('/v2/alarms', { name: 'high', type: 'threshold', threshold_rule: rule, ...actions });
      return (made as { alarm_id: string }).alarm_id;
    },
    /** Stores samples of the same value. */
    measure: (volume: number, count = 1): Promise<unknown> => {
      const sample = { counter_name: 'cpu', counter_type: 'gauge', counter_unit: '%', resource_id: 'web-1' };
      return post(
        '/v2/meters/cpu',
        Array.from({ length: count }, () => ({ ...sample, counter_volume: volume })),
      );
    },
    /** The states of its transitions, oldest first. */
    transitions: async (id: string): Promise<string[]> => {
      const query = 'q.field=type&q.op=eq&q.value=state%20transition';
      const entries = await get<{ detail: string }[]>(`/v2/alarms/${id}/history?${query}`);
      return entries.map(({ detail }) => (JSON.parse(detail) as { state: string }).state).reverse();
    },
    /** The statuses of its notifications, oldest first. */
    notifications: async (id: string): Promise<string[]> => {
      const listed = await get<{ status: string }[]>(`/v1/notifications?alarm_id=${id}`);
      return listed.map(({ status }) => status).reverse();
    },
  };
}

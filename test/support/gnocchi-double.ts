import type { ServerResponse } from 'node:http';

import { startReceiver, type Receiver, type ReceivedRequest } from './receiver-server.js';

/** How one kind of question is answered: a status and a body, which is sent as JSON unless it is text. */
export type DoubleAnswer =
  [status: number, body: unknown] | ((request: ReceivedRequest, response: ServerResponse) => void);

/** What a server says that speaks Gnocchi's protocol and can be told to misbehave. Change the answers while it runs. */
export interface GnocchiDouble extends Receiver {
  answers: Record<'capabilities' | 'aggregates' | 'search' | 'resource' | 'metric', DoubleAnswer>;
}

export const METHODS = ['mean', 'max', 'rate:mean'];

/** A refusal as Gnocchi words it. */
export function gnocchiRefusal(code: number, description: unknown): DoubleAnswer {
  return [code, { code, title: 'Refused', description }];
}

const ROUTES = [
  ['capabilities', /^\/v1\/capabilities\/$/],
  ['aggregates', /^\/v1\/aggregates\?/],
  ['search', /^\/v1\/search\/resource\/generic\?/],
  ['resource', /^\/v1\/resource\/generic\/[^/]+$/],
  ['metric', /^\/v1\/metric\/[^/]+$/],
] as const;

/** Knows the usual methods, computes nothing, has no resources and no metrics. */
export async function startGnocchiDouble(): Promise<GnocchiDouble> {
  const answers: GnocchiDouble['answers'] = {
    capabilities: [200, { aggregation_methods: METHODS }],
    aggregates: [200, { measures: { aggregated: [] } }],
    search: [200, []],
    resource: gnocchiRefusal(404, 'Resource does not exist'),
    metric: gnocchiRefusal(404, 'Metric does not exist'),
  };
  const receiver = await startReceiver((request, response) => {
    const route = ROUTES.find(([, target]) => target.test(request.target));
    const answer: DoubleAnswer = route ? answers[route[0]] : [404, 'no such route'];
    if (typeof answer === 'function') return answer(request, response);
    const [status, body] = answer;
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json' });
    response.end(isText ? body : JSON.stringify(body));
  });
  return { ...receiver, answers };
}

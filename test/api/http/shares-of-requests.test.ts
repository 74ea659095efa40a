import { expect, test } from '@jest/globals';
import express from 'express';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { NO_AUDIT } from '../../../src/api/audit/request-audit.js';
import { NO_RATE_LIMITS } from '../../../src/api/http/rate-limits.js';
import { IDENTITY, mountRoutes } from '../../../src/api/http/route.js';
import { createSystemClock } from '../../../src/clock.js';
import { eventually } from '../../support/eventually.js';

/** An API with one route, and the projects whose requests have begun, in order. */
function apiOfProjects() {
  const begun: string[] = [];
  const app = express();
  app.use((request, response, next) => {
    response.locals[IDENTITY] = { userId: 'u', projectId: request.headers['x-project-id'], role: 'member' };
    next();
  });
  mountRoutes(app, {
    routes: [
      {
        method: 'GET',
        path: '/begin',
        policy: 'reader',
        audit: null,
        handle({ identity }) {
          begun.push(identity.projectId ?? '');
          return { status: 200, body: {} };
        },
      },
    ],
    barePaths: [],
    rateLimits: NO_RATE_LIMITS,
    runAs: (_, work) => work(),
    audit: NO_AUDIT,
    clock: createSystemClock(),
  });
  const arrive = (project: string): void => {
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { method: 'GET', url: '/begin', headers: { host: 'h', 'x-project-id': project } });
    app(request, new ServerResponse(request));
  };
  return { begun, arrive };
}

test('of requests that arrive at once, each project begins one in turn with the others', async () => {
  const { begun, arrive } = apiOfProjects();
  for (let count = 0; count < 100; count += 1) arrive('busy');
  arrive('other');
  arrive('third');
  await eventually(() => expect(begun).toHaveLength(102));
  expect(begun.slice(0, 4)).toEqual(['busy', 'busy', 'other', 'third']);
});

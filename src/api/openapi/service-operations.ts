import { z } from 'zod';

import { LivenessAnswer, ReadinessAnswer, VersionsAnswer } from '../answers/service-answer.js';
import type { Operation } from './operation.js';

const NOT_CHANGED = { 304: 'The client has this version already' };

/** The routes that need no identity: what the process says of itself, its documents and its pages. */
export const SERVICE_OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /': {
    group: 'Service',
    summary: 'List the versions of the API; a browser is sent to /console',
    answer: VersionsAnswer,
    otherStatuses: { 302: 'The request names text/html in Accept' },
  },
  'GET /healthcheck': {
    group: 'Service',
    summary: 'Check that the process is alive (as in Aodh)',
    answer: 'text/plain',
  },
  'GET /livez': {
    group: 'Service',
    summary: 'Check that the process is alive',
    answer: LivenessAnswer,
  },
  'GET /readyz': {
    group: 'Service',
    summary: 'Check that the process can do its work; lists each check',
    answer: ReadinessAnswer,
  },
  'GET /metrics': {
    group: 'Service',
    summary: 'Get the metrics of this process, for Prometheus',
    answer: 'text/plain',
  },
  'GET /openapi.json': {
    group: 'Service',
    summary: 'Get this document',
    answer: z.looseObject({ openapi: z.string() }),
  },
  'GET /docs': { group: 'Service', summary: 'Show this document as a web page', answer: 'text/html' },
  'GET /docs/:file': { group: 'Service', summary: 'Get a file of that web page', answer: '*/*' },
  'GET /console': {
    group: 'Service',
    summary: 'Show alarms and what became of them as a web page',
    answer: 'text/html',
    otherStatuses: NOT_CHANGED,
  },
  'GET /console/:folder/:file': {
    group: 'Service',
    summary: 'Get a file of that web page',
    answer: '*/*',
    otherStatuses: NOT_CHANGED,
  },
};

import { z } from 'zod';

import { ApiKeyAnswer, NewApiKeyAnswer } from '../answers/api-key-answer.js';
import { SessionAnswer } from '../answers/session-answer.js';
import { ApiKeyRequest } from '../schema/api-key-request.js';
import { SessionRequest } from '../schema/session-request.js';

/** The part of `OPERATIONS` for API keys and sessions. */
export const CREDENTIAL_OPERATIONS = {
  'GET /v1/api-keys': { group: 'Administration', summary: 'List API keys of a project', answer: z.array(ApiKeyAnswer) },
  'POST /v1/api-keys': {
    group: 'Administration',
    summary: 'Create an API key',
    request: ApiKeyRequest,
    answer: NewApiKeyAnswer,
  },
  'DELETE /v1/api-keys/:id': { group: 'Administration', summary: 'Revoke an API key', answer: null },
  'GET /v1/session': {
    group: 'Service',
    summary: 'Get the caller of the request: user, project, role, and when the session ends',
    answer: SessionAnswer,
  },
  'POST /v1/session': {
    group: 'Service',
    summary: 'Sign in from a page of this service; the answer sets the cookie of the session',
    request: SessionRequest,
    answer: SessionAnswer,
  },
  'DELETE /v1/session': { group: 'Service', summary: 'Sign out: end the session of the cookie', answer: null },
} as const;

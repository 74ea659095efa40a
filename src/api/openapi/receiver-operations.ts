import { NewSigningSecretAnswer, ReceiverAnswer, ReceiversAnswer } from '../answers/receiver-answer.js';
import { ReceiverReplacement, ReceiverRequest, SigningSecretRequest } from '../schema/receiver-request.js';
import type { BodyExample } from './body-example.js';
import type { Operation } from './operation.js';

const group = 'Notifications';

/** The part of `OPERATIONS` for receivers. */
export const RECEIVER_OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /v1/receivers': {
    group,
    summary: 'List receivers, newest first; see docs/webhooks.md',
    answer: ReceiversAnswer,
  },
  'POST /v1/receivers': {
    group,
    summary: 'Create a receiver: the record of a project about its webhooks to one origin',
    request: ReceiverRequest,
    answer: ReceiverAnswer,
    isVersioned: true,
  },
  'GET /v1/receivers/:id': { group, summary: 'Get a receiver', answer: ReceiverAnswer, isVersioned: true },
  'PUT /v1/receivers/:id': {
    group,
    summary: 'Replace name and description of a receiver, and its headers if the body has any',
    request: ReceiverReplacement,
    answer: ReceiverAnswer,
    isVersioned: true,
  },
  'DELETE /v1/receivers/:id': {
    group,
    summary: 'Delete a receiver with its secrets: webhooks to it are no longer signed with them',
    answer: null,
    isVersioned: true,
  },
  'POST /v1/receivers/:id/secrets': {
    group,
    summary: 'Make a signing secret, which only this answer shows; the former one signs along for signing.overlap',
    request: SigningSecretRequest,
    isRequestOptional: true,
    answer: NewSigningSecretAnswer,
  },
  'DELETE /v1/receivers/:id/secrets/:secret': {
    group,
    summary: 'End a signing secret now; if it is the current one, the one before it signs on',
    answer: null,
  },
};

/** Examples of requests about receivers, by the name of the operation. */
export const RECEIVER_REQUESTS: Readonly<Record<string, Readonly<Record<string, BodyExample>>>> = {
  createReceiver: {
    all: { summary: 'All webhooks of the project', value: { origin: '*', name: 'webhooks of the project' } },
    gateway: {
      summary: 'All webhooks of the project to this origin',
      value: { origin: 'https://receiver.example.com', name: 'autoscaler', description: 'scales the web servers' },
    },
    token: {
      summary: 'With a header that a gateway asks for; only its name is shown later',
      value: { origin: 'https://gateway.example.com', headers: { Authorization: 'Bearer token-of-the-gateway' } },
    },
  },
  replaceReceiver: { renamed: { summary: 'Another name', value: { name: 'autoscaler of the web servers' } } },
  createSigningSecret: {
    made: { summary: 'Tocsin makes the secret', value: {} },
    own: {
      summary: 'A secret of your own',
      value: { secret: `whsec_${Buffer.from('an example secret: make your own').toString('base64')}` },
    },
  },
};

const SECRET = {
  id: '5b0d1f8e-2c65-4a0e-8a53-7f0c4f2b9d21',
  created_at: '2026-11-22T05:20:00Z',
  ends_at: null,
};
const RECEIVER = {
  id: '0f4f3a86-7d2b-4d4c-9a9e-0b8f1b6f3c11',
  project_id: 'default',
  origin: 'https://receiver.example.com',
  name: 'autoscaler',
  description: 'scales the web servers',
  header_names: [],
  secrets: [SECRET],
  created_at: '2026-11-22T05:19:00Z',
};

/** Examples of answers about receivers, by the name of the operation. */
export const RECEIVER_ANSWERS: Readonly<Record<string, unknown>> = {
  listReceivers: { receivers: [RECEIVER], next: null },
  createReceiver: { ...RECEIVER, secrets: [] },
  getReceiver: RECEIVER,
  replaceReceiver: RECEIVER,
  createSigningSecret: {
    secret: `whsec_${Buffer.from('an example secret: make your own').toString('base64')}`,
    ...SECRET,
  },
};

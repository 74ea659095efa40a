import { z } from 'zod';

import { SEVERITIES } from '../../alarm/alarm.js';
import { MOST_DECIDING_SERIES } from '../../alarm/deciding-series.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { TEST_REASON } from '../../alarm/test-notification.js';
import { jsonSchemaOf } from '../../alarm/wire/wire-types.js';
import { AnyObject } from '../answers/answer-fields.js';

const State = z.enum(ALARM_STATES);

/** Only if `api.public_url` is set. */
const link = z.string().optional().meta({
  description: 'Address of the alarm in the console. Only if the service knows its own address (api.public_url).',
});
/** The keys that a rule with labelled series has. */
const bySeries = {
  series: z
    .array(z.strictObject({ labels: z.record(z.string(), z.string()), value: z.number().nullable() }))
    .max(MOST_DECIDING_SERIES)
    .optional()
    .meta({
      description:
        'The series that the state is due to, each with its newest compared value (null: none, or infinite), in the ' +
        'order of the answer: at most 20, and 4 KiB of JSON. Only of Prometheus, whose series have labels.',
    }),
  series_total: z
    .int()
    .optional()
    .meta({ description: 'Number of these series, with those that are left out of the list.' }),
};

/** What a transition or a repeat is due to, by the way in which the alarm is judged. */
const ReasonData = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('threshold'),
    disposition: z.enum(['inside', 'outside', 'unknown']),
    count: z.int().meta({ description: 'Number of datapoints that are inside or outside, or unknown.' }),
    most_recent: z.number().nullable(),
    ...bySeries,
    link,
  }),
  z.strictObject({
    type: z.literal('composite'),
    composition_form: z.string(),
    causative_rules: z
      .record(z.string(), AnyObject)
      .meta({ description: 'Rules in that state: rule1, rule2 and so on.' }),
    ...bySeries,
    link,
  }),
  z.strictObject({ type: z.literal('combination'), alarm_ids: z.array(z.string()), link }),
  z.strictObject({
    type: z.literal('event'),
    event: AnyObject.meta({ description: 'The event as it was sent to POST /v2/events.' }),
    link,
  }),
  z.strictObject({
    type: z.literal('test'),
    stack_id: z.string().optional(),
    asg_id: z.string().optional(),
    unhealthy_members: z.array(AnyObject).optional(),
    link,
  }),
  z.strictObject({
    type: z.literal('heartbeat'),
    every: z.number().meta({ description: 'Seconds between two heartbeats (heartbeat.every).' }),
  }),
  z.strictObject({
    type: z.literal('loadbalancer_member_health'),
    count: z.int(),
    most_recent: AnyObject.nullable(),
    unhealthy_members: z.array(AnyObject),
    pool_id: z.string(),
    stack_id: z.string(),
    asg_id: z.string(),
    link,
  }),
]);

/** The body of a webhook, which `notificationBody` writes. This service never parses it; receivers do. */
export const WebhookBody = z
  .strictObject({
    alarm_name: z.string(),
    alarm_id: z.string(),
    severity: z.enum(SEVERITIES),
    previous: State,
    current: State.meta({ description: 'The same as previous if actions are repeated.' }),
    reason: z.string(),
    reason_data: ReasonData,
  })
  .meta({ id: 'WebhookBody', description: 'The same bytes on every attempt and replay.' });

/** Headers of a webhook, and what they hold. */
const HEADERS: Readonly<Record<string, string>> = {
  'webhook-id': 'Id of the notification, the same on every attempt and replay. Drop an id that you have seen.',
  'webhook-timestamp': 'Time of this attempt, in Unix seconds.',
  'tocsin-sequence': 'State version of the alarm. Of two notifications the one with the smaller number is older.',
  'tocsin-transition-time': 'Time of the change of state; for a repeat, of the change that is repeated.',
  'x-openstack-request-id': 'A request id, the same on every attempt and replay.',
  'user-agent': 'tocsin/ and the version.',
};

/** Webhooks to receivers with a signing secret have it. */
const SIGNATURE_HEADER = {
  name: 'webhook-signature',
  in: 'header',
  required: false,
  description: 'Signatures of Standard Webhooks, one for each secret that signs: v1,… v1,… See docs/webhooks.md.',
  schema: { type: 'string' },
};

/** Webhooks of `trust+` actions have it. */
const TOKEN_HEADER = {
  name: 'x-auth-token',
  in: 'header',
  required: false,
  description: "A token of the alarm's trust, for trust+http and trust+https actions.",
  schema: { type: 'string' },
};

/** Only tests have it. */
const TEST_HEADER = {
  name: 'tocsin-test',
  in: 'header',
  required: false,
  description: 'true for a test that a person has requested: the alarm has not changed. All others do not have it.',
  schema: { type: 'string', enum: ['true'] },
};

const EXAMPLE = {
  alarm_name: 'cpu high',
  alarm_id: '7b23d5fc-7e20-4058-bd4d-717a072a7aff',
  severity: 'critical',
  previous: 'ok',
  current: 'alarm',
  reason: 'Transition to alarm due to 2 samples outside threshold, most recent: 95.0',
  reason_data: {
    type: 'threshold',
    disposition: 'outside',
    count: 2,
    most_recent: 95,
    series: [{ labels: { instance: 'web1', job: 'node' }, value: 95 }],
    series_total: 1,
    link: 'https://alarms.example.com/console#/alarm/7b23d5fc-7e20-4058-bd4d-717a072a7aff',
  },
};

const TEST_EXAMPLE = { ...EXAMPLE, reason: TEST_REASON, reason_data: { type: 'test' } };

/** The `webhooks` of the OpenAPI document: the request that receivers of `http(s)` actions get. */
export const WEBHOOKS = {
  notification: {
    post: {
      tags: ['Notifications'],
      operationId: 'receiveNotification',
      summary: 'Receive a notification, at the address of an http or https action',
      security: [],
      parameters: [
        ...Object.entries(HEADERS).map(([name, description]) => ({
          name,
          in: 'header',
          required: true,
          description,
          schema: { type: 'string' },
        })),
        SIGNATURE_HEADER,
        TEST_HEADER,
        TOKEN_HEADER,
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: jsonSchemaOf(WebhookBody, 'input'),
            examples: {
              transition: { summary: 'A threshold alarm has fired', value: EXAMPLE },
              test: { summary: 'A person tests an action', value: TEST_EXAMPLE },
            },
          },
        },
      },
      responses: {
        '2XX': { description: 'Delivered' },
        410: { description: 'Not delivered, and not sent again' },
        default: { description: 'Not delivered; most statuses have the notification sent again later' },
      },
    },
  },
};

import { z } from 'zod';

import { AlarmRequest, StateRequest } from '../schema/alarm-request.js';
import { ComplexQueryRequest } from '../schema/complex-query.js';
import { EventRequest } from '../schema/event-request.js';
import { ActivationRequest } from '../schema/import-request.js';
import { SampleRequest } from '../schema/sample-request.js';
import { BacktestRequest } from '../schema/backtest-request.js';
import { ApiKeyRequest } from '../schema/api-key-request.js';
import { QuotaRequest } from '../schema/quota-request.js';
import {
  ActivationAnswer,
  AlarmAnswer,
  ApiKeyAnswer,
  CapabilitiesAnswer,
  EvaluationResultsAnswer,
  EventsAnswer,
  NewApiKeyAnswer,
  QuotasAnswer,
  AttemptAnswer,
  HistoryAnswer,
  ImportAnswer,
  MeterAnswer,
  NotificationAnswer,
  NotificationWithAttemptsAnswer,
  PauseAnswer,
  ReadinessAnswer,
  ReplayAnswer,
  ResourceAnswer,
  SampleAnswer,
  StateAnswer,
  StatisticsAnswer,
  VersionsAnswer,
} from './answers.js';
import { BacktestAnswer, ExplanationAnswer } from './explanation-answers.js';

/** What the document says of one route beside what its row in the route table says. */
export interface Operation {
  group: 'Alarms' | 'Meters' | 'Events' | 'Notifications' | 'Administration' | 'Service';
  summary: string;
  /** Body of the request. */
  request?: z.ZodType;
  /** What a success answers with; null for an empty body, a media type for text. */
  answer: z.ZodType | string | null;
}

/** One entry per route; a route without one, and an entry without a route, fail a test. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET /': { group: 'Service', summary: 'Versions of the API', answer: VersionsAnswer },
  'GET /healthcheck': { group: 'Service', summary: 'Answers while the process does', answer: 'text/plain' },
  'GET /livez': {
    group: 'Service',
    summary: 'Whether the process is alive',
    answer: z.strictObject({ ok: z.boolean() }),
  },
  'GET /readyz': {
    group: 'Service',
    summary: 'Whether the process is of use, and what it lacks',
    answer: ReadinessAnswer,
  },
  'GET /metrics': { group: 'Service', summary: 'Figures of this process, for Prometheus', answer: 'text/plain' },
  'GET /openapi.json': { group: 'Service', summary: 'This document', answer: z.looseObject({ openapi: z.string() }) },
  'GET /docs': { group: 'Service', summary: 'This document as a page', answer: 'text/html' },
  'GET /docs/:file': { group: 'Service', summary: 'Parts of that page', answer: '*/*' },

  'GET /v2/alarms': {
    group: 'Alarms',
    summary: 'Alarms of a project; of all projects for admins who ask with all_projects',
    answer: z.array(AlarmAnswer),
  },
  'POST /v2/alarms': { group: 'Alarms', summary: 'Create an alarm', request: AlarmRequest, answer: AlarmAnswer },
  'GET /v2/alarms/:id': { group: 'Alarms', summary: 'One alarm', answer: AlarmAnswer },
  'PUT /v2/alarms/:id': {
    group: 'Alarms',
    summary: 'Replace an alarm; what the body leaves out goes back to its default, the state too',
    request: AlarmRequest,
    answer: AlarmAnswer,
  },
  'DELETE /v2/alarms/:id': { group: 'Alarms', summary: 'Delete an alarm; its history stays', answer: null },
  'GET /v2/alarms/:id/state': { group: 'Alarms', summary: 'The state of an alarm', answer: StateAnswer },
  'PUT /v2/alarms/:id/state': {
    group: 'Alarms',
    summary: 'Set the state of an alarm by hand; runs no action',
    request: StateRequest,
    answer: StateAnswer,
  },
  'GET /v2/alarms/:id/history': {
    group: 'Alarms',
    summary: 'What happened to an alarm, also after its deletion',
    answer: z.array(HistoryAnswer),
  },

  'GET /v2/alarms/:id/explain': {
    group: 'Alarms',
    summary:
      'Why an alarm is in its state: what it asks, what it is answered, each datapoint, and what follows; now or at a moment',
    answer: ExplanationAnswer,
  },
  'POST /v2/alarms/backtest': {
    group: 'Alarms',
    summary: 'What an alarm would have done between two moments; nothing is created',
    request: BacktestRequest,
    answer: BacktestAnswer,
  },

  'GET /v2/meters': { group: 'Meters', summary: 'Meters of the built-in store', answer: z.array(MeterAnswer) },
  'GET /v2/meters/:meter': {
    group: 'Meters',
    summary: 'Samples of a meter, newest first',
    answer: z.array(SampleAnswer),
  },
  'POST /v2/meters/:meter': {
    group: 'Meters',
    summary: 'Store samples',
    request: z.array(SampleRequest),
    answer: z.array(SampleAnswer),
  },
  'GET /v2/meters/:meter/statistics': {
    group: 'Meters',
    summary: 'Statistics of a meter’s samples, by period and group',
    answer: z.array(StatisticsAnswer),
  },
  'GET /v2/resources': { group: 'Meters', summary: 'What is measured', answer: z.array(ResourceAnswer) },
  'GET /v2/resources/:resource': { group: 'Meters', summary: 'One thing that is measured', answer: ResourceAnswer },

  'POST /v2/events': {
    group: 'Events',
    summary: 'Hand in events; alarms of their project are judged before the answer',
    request: z.union([EventRequest, z.array(EventRequest)]),
    answer: EventsAnswer,
  },

  'GET /v1/notifications': {
    group: 'Notifications',
    summary: 'What was, is and will be sent',
    answer: z.array(NotificationAnswer),
  },
  'GET /v1/notifications/:id': {
    group: 'Notifications',
    summary: 'One notification, with each attempt at its delivery',
    answer: NotificationWithAttemptsAnswer,
  },
  'GET /v1/notifications/:id/attempts': {
    group: 'Notifications',
    summary: 'Each try at delivering a notification',
    answer: z.array(AttemptAnswer),
  },
  'POST /v1/notifications/replay': { group: 'Notifications', summary: 'Send dead ones again', answer: ReplayAnswer },
  'POST /v1/notifications/:id/replay': { group: 'Notifications', summary: 'Send one again', answer: ReplayAnswer },
  'GET /v1/delivery-pauses': {
    group: 'Notifications',
    summary: 'Projects whose deliveries are held back',
    answer: z.array(PauseAnswer),
  },
  'PUT /v1/delivery-pauses/:project': {
    group: 'Notifications',
    summary: 'Hold back the deliveries of a project, or of all (*)',
    answer: null,
  },
  'DELETE /v1/delivery-pauses/:project': { group: 'Notifications', summary: 'Let them go again', answer: null },

  'POST /v2/query/alarms': {
    group: 'Alarms',
    summary: 'Alarms that a filter of and, or, not and comparisons picks',
    request: ComplexQueryRequest,
    answer: z.array(AlarmAnswer),
  },
  'POST /v2/query/alarms/history': {
    group: 'Alarms',
    summary: 'History that such a filter picks',
    request: ComplexQueryRequest,
    answer: z.array(HistoryAnswer),
  },
  'GET /v2/capabilities': {
    group: 'Alarms',
    summary: 'What the API can do, for Aodh’s clients',
    answer: CapabilitiesAnswer,
  },
  'GET /v2/quotas': { group: 'Administration', summary: 'How many alarms a project may have', answer: QuotasAnswer },
  'GET /v2/quotas/:id': {
    group: 'Administration',
    summary: 'How many alarms this project may have',
    answer: QuotasAnswer,
  },
  'POST /v2/quotas': {
    group: 'Administration',
    summary: 'Set how many alarms a project may have; -1 is no limit',
    request: QuotaRequest,
    answer: QuotasAnswer,
  },
  'DELETE /v2/quotas': { group: 'Administration', summary: 'Back to the configured limit', answer: null },
  'DELETE /v2/quotas/:id': { group: 'Administration', summary: 'Back to the configured limit', answer: null },
  'GET /v2/metrics': {
    group: 'Alarms',
    summary: 'Results of evaluations, counted by alarm and state, where that is switched on',
    answer: EvaluationResultsAnswer,
  },
  'GET /v1/api-keys': { group: 'Administration', summary: 'API keys of a project', answer: z.array(ApiKeyAnswer) },
  'POST /v1/api-keys': {
    group: 'Administration',
    summary: 'Make an API key',
    request: ApiKeyRequest,
    answer: NewApiKeyAnswer,
  },
  'DELETE /v1/api-keys/:id': { group: 'Administration', summary: 'Revoke an API key', answer: null },
  'POST /v1/imports': {
    group: 'Administration',
    summary: 'Take over alarms as another service tells them, muted',
    request: z.array(z.looseObject({ alarm_id: z.string() })),
    answer: z.array(ImportAnswer),
  },
  'POST /v1/imports/activate': {
    group: 'Administration',
    summary: 'Let alarms that were taken over run their actions',
    request: ActivationRequest,
    answer: ActivationAnswer,
  },
};

import { z } from 'zod';

import { AlarmRequest, StateRequest } from '../schema/alarm-request.js';
import { ComplexQueryRequest } from '../schema/complex-query.js';
import { EventRequest } from '../schema/event-request.js';
import { ActivationRequest } from '../schema/import-request.js';
import { SampleRequest } from '../schema/sample-request.js';
import { BacktestRequest } from '../schema/backtest-request.js';
import { LatestValuesRequest } from '../schema/latest-values-request.js';
import { QuotaRequest } from '../schema/quota-request.js';
import { AlarmAnswer, StateAnswer } from '../answers/alarm-answer.js';
import { AlarmSchemaAnswer } from '../answers/alarm-schema-answer.js';
import { AuditAnswer } from '../answers/audit-answer.js';
import { BacktestAnswer } from '../answers/backtest-answer.js';
import { ClusterAnswer } from '../answers/cluster-answer.js';
import { EvaluationResultsAnswer } from '../answers/evaluation-results-answer.js';
import { EventsAnswer } from '../answers/event-answer.js';
import { ExplanationAnswer } from '../answers/explanation-answer.js';
import { HistoryAnswer } from '../answers/history-answer.js';
import { ActivationAnswer, ImportAnswer } from '../answers/import-answer.js';
import { MeterAnswer, ResourceAnswer, SampleAnswer, StatisticsAnswer } from '../answers/meter-answer.js';
import { ListedMetersAnswer, ListedResourcesAnswer } from '../answers/listed-meter-answer.js';
import { QuotasAnswer } from '../answers/quota-answer.js';
import { AlarmCountsAnswer, ListedAlarmsAnswer } from '../answers/listed-alarm-answer.js';
import { LatestValuesAnswer, ValuesAnswer } from '../answers/values-answer.js';
import { TransitionsAnswer } from '../answers/transition-answer.js';
import { CapabilitiesAnswer } from '../answers/service-answer.js';
import { CREDENTIAL_OPERATIONS } from './credential-operations.js';
import type { Operation } from './operation.js';
import { RECEIVER_OPERATIONS } from './receiver-operations.js';
import { SERVICE_OPERATIONS } from './service-operations.js';
import { NOTIFICATION_OPERATIONS } from './notification-operations.js';
import { STREAM_OPERATION } from './stream-operation.js';
import { TEST_FIRE_OPERATIONS } from './test-fire-operations.js';

/** One entry for each route. A test fails if a route has no entry or an entry has no route. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...SERVICE_OPERATIONS,

  'GET /v2/alarms': {
    group: 'Alarms',
    summary: 'List alarms of a project; admins may list those of all projects with all_projects',
    answer: z.array(AlarmAnswer),
  },
  'POST /v2/alarms': {
    group: 'Alarms',
    summary: 'Create an alarm',
    request: AlarmRequest,
    answer: AlarmAnswer,
    isVersioned: true,
  },
  'GET /v2/alarms/:id': { group: 'Alarms', summary: 'Get an alarm', answer: AlarmAnswer, isVersioned: true },
  'PUT /v2/alarms/:id': {
    group: 'Alarms',
    summary: 'Replace an alarm; fields that the body leaves out get their defaults, also the state',
    request: AlarmRequest,
    answer: AlarmAnswer,
    isVersioned: true,
  },
  'DELETE /v2/alarms/:id': {
    group: 'Alarms',
    summary: 'Delete an alarm; its history stays',
    answer: null,
    isVersioned: true,
  },
  'GET /v2/alarms/:id/state': {
    group: 'Alarms',
    summary: 'Get the state of an alarm',
    answer: StateAnswer,
    isVersioned: true,
  },
  'PUT /v2/alarms/:id/state': {
    group: 'Alarms',
    summary: 'Set the state of an alarm; runs no action',
    request: StateRequest,
    answer: StateAnswer,
    isVersioned: true,
  },
  'GET /v2/alarms/:id/history': {
    group: 'Alarms',
    summary: 'List the history of an alarm, also after its deletion',
    answer: z.array(HistoryAnswer),
  },

  'GET /v2/alarms/:id/explain': {
    group: 'Alarms',
    summary:
      'Explain the state of an alarm, now or at a time in the past: ' +
      'requests to backends, datapoints, result and decision',
    answer: ExplanationAnswer,
  },
  'POST /v2/alarms/backtest': {
    group: 'Alarms',
    summary: 'Evaluate a draft of an alarm over a time span of the past; creates nothing',
    request: BacktestRequest,
    answer: BacktestAnswer,
  },

  'GET /v2/meters': { group: 'Meters', summary: 'List meters of the built-in store', answer: z.array(MeterAnswer) },
  'GET /v2/meters/:meter': {
    group: 'Meters',
    summary: 'List samples of a meter, newest first',
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
    summary: 'Get statistics of a meter’s samples, by period and group',
    answer: z.array(StatisticsAnswer),
  },
  'GET /v2/resources': {
    group: 'Meters',
    summary: 'List resources that have samples',
    answer: z.array(ResourceAnswer),
  },
  'GET /v2/resources/:resource': { group: 'Meters', summary: 'Get a resource', answer: ResourceAnswer },
  'GET /v1/meters': {
    group: 'Meters',
    summary: 'List meters as a table shows them, by name, each with the number of its resources',
    answer: ListedMetersAnswer,
  },
  'GET /v1/resources': {
    group: 'Meters',
    summary: 'List resources as a table shows them, by id, each with its meters',
    answer: ListedResourcesAnswer,
  },

  'POST /v2/events': {
    group: 'Events',
    summary: 'Send events; alarms of their projects are evaluated before the answer',
    request: z.union([EventRequest, z.array(EventRequest)]),
    answer: EventsAnswer,
  },

  ...NOTIFICATION_OPERATIONS,
  ...RECEIVER_OPERATIONS,

  'GET /v1/stream': STREAM_OPERATION,
  'POST /v2/query/alarms': {
    group: 'Alarms',
    summary: 'Find alarms by a filter of comparisons, and, or, not',
    request: ComplexQueryRequest,
    answer: z.array(AlarmAnswer),
  },
  'POST /v2/query/alarms/history': {
    group: 'Alarms',
    summary: 'Find history entries by a filter of comparisons, and, or, not',
    request: ComplexQueryRequest,
    answer: z.array(HistoryAnswer),
  },
  'GET /v2/capabilities': {
    group: 'Alarms',
    summary: 'List the capabilities of the API, in Aodh’s form',
    answer: CapabilitiesAnswer,
  },
  'GET /v2/quotas': {
    group: 'Administration',
    summary: 'Get the quota of a project: most alarms',
    answer: QuotasAnswer,
  },
  'GET /v2/quotas/:id': {
    group: 'Administration',
    summary: 'Get the quota of a project: most alarms',
    answer: QuotasAnswer,
  },
  'POST /v2/quotas': {
    group: 'Administration',
    summary: 'Set the quota of a project; -1: no limit',
    request: QuotaRequest,
    answer: QuotasAnswer,
  },
  'DELETE /v2/quotas': {
    group: 'Administration',
    summary: 'Reset the quota of a project to the default',
    answer: null,
  },
  'DELETE /v2/quotas/:id': {
    group: 'Administration',
    summary: 'Reset the quota of a project to the default',
    answer: null,
  },
  'GET /v2/metrics': {
    group: 'Alarms',
    summary: 'Count evaluation results by alarm and state; needs api.evaluation_results_metrics',
    answer: EvaluationResultsAnswer,
  },
  ...CREDENTIAL_OPERATIONS,
  'GET /v1/cluster': { group: 'Administration', summary: 'Get the state of the cluster', answer: ClusterAnswer },
  'GET /v1/audit': {
    group: 'Administration',
    summary: 'List the audit trail, newest first: who did what, when and from where',
    answer: z.array(AuditAnswer),
  },
  'POST /v1/imports': {
    group: 'Administration',
    summary: 'Import alarms of an Aodh; they are muted',
    request: z.array(z.looseObject({ alarm_id: z.string() })),
    answer: z.array(ImportAnswer),
  },
  'POST /v1/imports/activate': {
    group: 'Administration',
    summary: 'Activate imported alarms, so that they run their actions',
    request: ActivationRequest,
    answer: ActivationAnswer,
  },
  'GET /v1/alarms': {
    group: 'Alarms',
    summary: 'List alarms as a table shows them, page by page; for admins of all projects',
    answer: ListedAlarmsAnswer,
  },
  'GET /v1/alarms/counts': {
    group: 'Alarms',
    summary: 'Count alarms by state, type and severity; counts are kept for 5 seconds',
    answer: AlarmCountsAnswer,
  },
  'GET /v1/alarm-schema': {
    group: 'Alarms',
    summary: 'Get the JSON Schema of the body that creates an alarm, with titles and descriptions for a form',
    answer: AlarmSchemaAnswer,
  },
  'GET /v1/transitions': { group: 'Alarms', summary: 'List changes of state, newest first', answer: TransitionsAnswer },
  'GET /v1/alarms/:id/values': {
    group: 'Alarms',
    summary: 'Get the values that an alarm compared over a time span, and the states that follow from them',
    answer: ValuesAnswer,
  },
  'POST /v1/alarms/values': {
    group: 'Alarms',
    summary: 'Get the values that a draft of an alarm compares over a time span of the past; creates nothing',
    request: BacktestRequest,
    answer: ValuesAnswer,
  },
  'POST /v1/alarms/latest-values': {
    group: 'Alarms',
    summary: 'Get the last compared value of up to 100 alarms',
    request: LatestValuesRequest,
    answer: LatestValuesAnswer,
  },
  ...TEST_FIRE_OPERATIONS,
};

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The metrics of this process, which /metrics serves. No label holds text of a tenant. */
export type Telemetry = ReturnType<typeof createTelemetry>;

/** Creates and registers all metrics. */
export function createTelemetry() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const create = instruments(registry);
  return {
    registry,
    ...evaluationMetrics(create),
    ...coordinationMetrics(create),
    ...deliveryMetrics(create),
    ...apiMetrics(create),
    buildInfo: create.gauge('build_info', 'Always 1. The labels say what this process is', ['version', 'roles']),
  };
}

type Instruments = ReturnType<typeof instruments>;

/** Functions that register metrics, with `tocsin_` before each name. */
function instruments(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string = never>(
      name: string,
      help: string,
      labelNames: readonly Label[] = [],
    ): Counter<Label> => new Counter({ name: `tocsin_${name}`, help, labelNames, registers }),
    gauge: <Label extends string = never>(
      name: string,
      help: string,
      labelNames: readonly Label[] = [],
    ): Gauge<Label> => new Gauge({ name: `tocsin_${name}`, help, labelNames, registers }),
    seconds: (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name: `tocsin_${name}`, help, buckets, registers }),
  };
}

function evaluationMetrics({ counter, gauge, seconds }: Instruments) {
  return {
    evaluations: counter('evaluations_total', 'Alarms evaluated, by verdict', ['verdict']),
    evaluationFailures: counter(
      'evaluation_failures_total',
      'Evaluations of single alarms that failed by an error of Tocsin',
    ),
    transitions: counter('transitions_total', 'Committed changes of state, by new state', ['state']),
    transitionsFenced: counter(
      'transitions_fenced_total',
      'Evaluation results refused at commit, by reason: the alarm was edited, or the partition has a new owner',
      ['reason'],
    ),
    backendQueries: counter('backend_queries_total', 'Requests to metrics backends, by backend kind and outcome', [
      'datasource',
      'outcome',
    ]),
    batchSeconds: seconds(
      'evaluation_batch_seconds',
      'Duration of one batch, from reading alarms to the commit',
      [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30],
    ),
    latenessSeconds: seconds(
      'evaluation_lateness_seconds',
      'How late batches started',
      [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    ),
    slotsMissed: counter(
      'evaluation_slots_missed_total',
      'Evaluations of a partition skipped because the previous batch took too long',
    ),
    oldestEvaluationAge: gauge(
      'oldest_evaluation_age_seconds',
      'Time since the last evaluation of the partition that has waited longest, of this evaluator',
    ),
    alarmsHeld: gauge('alarms_held', 'Alarms that this evaluator holds in memory'),
    alarmsWithoutBackend: gauge(
      'alarms_without_backend',
      'Enabled alarms of this evaluator whose backend is not configured',
      ['type'],
    ),
    alarmsInOutage: gauge('alarms_in_trouble', 'Alarms of this evaluator that wait for an unavailable backend'),
    alarmsLocked: gauge('alarms_locked', 'Alarms of this evaluator whose results wait for the lock of the alarm'),
    alarmsBehind: gauge(
      'alarms_behind',
      'Alarms of this evaluator that are late because of too many requests to backends',
    ),
    alarmsSilenced: gauge(
      'alarms_silenced',
      'Alarms of this evaluator whose receivers do not know the present state, since a silence holds it',
    ),
    behindSeconds: gauge(
      'evaluator_behind_seconds',
      'Delay of the latest alarm of this evaluator; 0 if no alarm is late',
    ),
    backendUp: gauge('backend_up', '1 if the backend answers, 0 if it is unavailable', ['datasource', 'backend']),
  };
}

function coordinationMetrics({ gauge }: Instruments) {
  return {
    partitionsOwned: gauge('partitions_owned', 'Partitions that this evaluator owns'),
    partitionsLoaded: gauge(
      'partitions_loaded',
      'Partitions that this evaluator owns and whose alarms are all in its memory; only these are evaluated',
    ),
    members: gauge('members', 'Live evaluators as seen by this process'),
    coordinationMode: gauge('coordination_mode', '1 for the current mode of coordination: redis, database or single', [
      'mode',
    ]),
  };
}

function deliveryMetrics({ counter, gauge, seconds }: Instruments) {
  return {
    outboxDepth: gauge('outbox_depth', 'Notifications that wait or are being delivered'),
    outboxOldestAge: gauge('outbox_oldest_due_age_seconds', 'Time since the oldest due notification became due'),
    deadNotifications: gauge('dead_notifications', 'Dead notifications that are still kept'),
    deliveries: counter('deliveries_total', 'Delivery attempts, by kind of receiver and outcome', [
      'receiver',
      'outcome',
    ]),
    deliverySeconds: seconds(
      'delivery_seconds',
      'Duration of one delivery attempt',
      [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 15],
    ),
    notificationLatency: seconds(
      'notification_latency_seconds',
      'Time from the commit of a transition to the end of the first attempt',
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    ),
    heartbeatWritten: gauge(
      'heartbeat_written_timestamp_seconds',
      'When the last heartbeat was written, in seconds since 1970; 0 if none was seen',
    ),
    heartbeatWithheld: gauge(
      'heartbeat_withheld_timestamp_seconds',
      'When this notifier last withheld the heartbeat, in seconds since 1970, by what is late: evaluation or delivery',
      ['reason'],
    ),
  };
}

function apiMetrics({ counter, gauge }: Instruments) {
  return {
    samplesStored: counter('samples_stored_total', 'Samples stored by the built-in meters'),
    apiRequests: counter('api_requests_total', 'API requests, by method and status', ['method', 'status']),
    auditFailures: counter('audit_failures_total', 'Failed attempts to store entries of the audit trail'),
    auditEntriesLost: counter(
      'audit_entries_lost_total',
      'Requests missing from the audit trail, since too many entries waited for the database',
    ),
    streams: gauge('streams', 'Open streams of this process (GET /v1/stream)'),
    streamsEnded: counter('streams_ended_total', 'Streams that have ended, by reason', ['reason']),
    apiKeysExpiring: gauge('api_keys_expiring', 'Valid API keys that end within 14 days'),
    certificateExpiry: gauge(
      'certificate_expiry_timestamp_seconds',
      'End of the certificate that a listener uses, in seconds since 1970',
      ['listener'],
    ),
  };
}

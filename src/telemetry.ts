import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Our own figures, in Prometheus' format at /metrics. Labels are never a tenant's text. */
export type Telemetry = ReturnType<typeof createTelemetry>;

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
  };
}

type Instruments = ReturnType<typeof instruments>;

/** Makes metrics of the registry, with `tocsin_` before each name. */
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
    evaluationFailures: counter('evaluation_failures_total', 'Evaluations of single alarms that failed'),
    transitions: counter('transitions_total', 'Committed changes of state, by new state', ['state']),
    transitionsFenced: counter(
      'transitions_fenced_total',
      'Results refused at commit: edited meanwhile, or no longer the owner',
      ['reason'],
    ),
    backendQueries: counter('backend_queries_total', 'Requests to a metrics backend', ['datasource', 'outcome']),
    batchSeconds: seconds(
      'evaluation_batch_seconds',
      'Duration of one batch, fetch to commit',
      [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30],
    ),
    latenessSeconds: seconds(
      'evaluation_lateness_seconds',
      'How late batches started',
      [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    ),
    slotsMissed: counter('evaluation_slots_missed_total', 'Slots skipped because the batch before took too long'),
    oldestEvaluationAge: gauge(
      'oldest_evaluation_age_seconds',
      'Age of the oldest last evaluation among partitions owned here',
    ),
    alarmsHeld: gauge('alarms_held', 'Alarms in memory of this evaluator'),
    alarmsWithoutBackend: gauge('alarms_without_backend', 'Enabled alarms held here whose backend is not configured', [
      'type',
    ]),
    alarmsInOutage: gauge(
      'alarms_in_trouble',
      'Alarms of this evaluator that wait for a backend that cannot be asked',
    ),
    alarmsBehind: gauge(
      'alarms_behind',
      'Alarms of this evaluator that are due and late, because of too many requests',
    ),
    behindSeconds: gauge(
      'evaluator_behind_seconds',
      'How long the alarm that is latest has waited; 0 if no alarm is behind',
    ),
    backendUp: gauge('backend_up', '1 for a backend that answers, 0 for one that cannot be asked', [
      'datasource',
      'backend',
    ]),
  };
}

function coordinationMetrics({ gauge }: Instruments) {
  return {
    partitionsOwned: gauge('partitions_owned', 'Partitions this evaluator owns'),
    members: gauge('members', 'Evaluators this process sees'),
    coordinationMode: gauge('coordination_mode', '1 for the mode in use: redis, database or single', ['mode']),
  };
}

function deliveryMetrics({ counter, gauge, seconds }: Instruments) {
  return {
    outboxDepth: gauge('outbox_depth', 'Notifications waiting or in flight'),
    outboxOldestAge: gauge('outbox_oldest_due_age_seconds', 'How long the oldest due notification has waited'),
    deadNotifications: gauge('dead_notifications', 'Notifications given up and not yet pruned'),
    deliveries: counter('deliveries_total', 'Attempts, by receiver and outcome', ['receiver', 'outcome']),
    deliverySeconds: seconds('delivery_seconds', 'Duration of one attempt', [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 15]),
    notificationLatency: seconds(
      'notification_latency_seconds',
      'From commit to the end of the first attempt',
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    ),
  };
}

function apiMetrics({ counter }: Instruments) {
  return {
    samplesStored: counter('samples_stored_total', 'Samples accepted by the built-in meters'),
    apiRequests: counter('api_requests_total', 'API requests, by method and status', ['method', 'status']),
  };
}

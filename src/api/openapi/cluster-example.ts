/** The state of a cluster with one evaluator, of whose 256 partitions one is shown. */
export const CLUSTER_EXAMPLE = {
  at: '2026-11-22T05:25:40.000000Z',
  coordination: 'redis',
  processes: [
    {
      process_id: '0d3401e0-0776-4d72-81b6-d31a8bc247a1',
      roles: ['evaluator'],
      version: '1.0.0',
      host: 'monitor-1',
      pid: 4711,
      started_at: '2026-11-22T04:25:40Z',
      age_ms: 3_600_000,
      silent_ms: 4_210,
      member_id: 'evaluator-4711-9f6c1c52',
      coordination: 'redis',
      partitions: 1,
      loaded_partitions: 1,
    },
  ],
  partitions: [
    {
      partition: 0,
      epoch: 3,
      owner: 'evaluator-4711-9f6c1c52',
      loaded: true,
      last_evaluated_at: '2026-11-22T05:25:33.102000Z',
      late_alarms: 0,
    },
  ],
  unowned_partitions: 0,
  lateness: { late_alarms: 0, longest_ms: 0, oldest_evaluation_at: '2026-11-22T05:25:33.102000Z' },
  backends: [
    {
      backend: 'prometheus',
      up: false,
      since: '2026-11-22T05:24:28.317000Z',
      reason: 'timeout',
      evaluators_up: 0,
      evaluators_down: 1,
    },
  ],
  outbox: { open: 3, due: 1, stalled: 0, dead: 0, oldest_due_at: '2026-11-22T05:25:33.102000Z' },
};

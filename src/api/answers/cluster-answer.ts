import { z } from 'zod';

import type { ClusterState, PartitionState } from '../../storage/cluster/cluster-store.js';
import type { BackendReport, ProcessRow } from '../../storage/cluster/process-store.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { NullableText, UtcTimestamp } from './answer-fields.js';

const Count = z.int().min(0);
const Milliseconds = z.int().min(0);
const MODES = ['redis', 'database', 'single'] as const;
const Mode = z.enum(MODES);

const ProcessAnswer = z.strictObject({
  process_id: z.string(),
  roles: z.array(z.string()),
  version: z.string(),
  host: z.string().meta({ description: 'Name of the machine.' }),
  pid: z.int(),
  started_at: UtcTimestamp,
  age_ms: Milliseconds.meta({ description: 'Time since its start.' }),
  silent_ms: Milliseconds.meta({ description: 'Time since its last report. It reports every 10 seconds.' }),
  member_id: NullableText.meta({ description: 'Owner of partitions; null without the role evaluator.' }),
  coordination: Mode.nullable(),
  partitions: Count,
  loaded_partitions: Count.meta({
    description: 'Partitions whose alarms are in its memory. The alarms of the others are not evaluated yet.',
  }),
});

const PartitionAnswer = z.strictObject({
  partition: z.int(),
  epoch: z.int(),
  owner: NullableText.meta({ description: 'The member_id of a process; null if no evaluator owns it.' }),
  loaded: z.boolean().meta({ description: 'False while the owner loads the alarms, and without an owner.' }),
  last_evaluated_at: UtcTimestamp.nullable(),
  late_alarms: Count,
});

const BackendAnswer = z.strictObject({
  backend: z.string().meta({ description: 'Kind, and name if it has one.' }),
  up: z.boolean().meta({ description: 'False if an evaluator finds it unavailable.' }),
  since: UtcTimestamp,
  reason: NullableText,
  evaluators_up: Count,
  evaluators_down: Count,
});

/** The state of the cluster. */
export const ClusterAnswer = z
  .strictObject({
    at: UtcTimestamp,
    coordination: Mode.nullable().meta({
      description:
        'What evaluators share their work by: redis; database, while an evaluator does without Redis; single, for ' +
        'one evaluator. Null without an evaluator.',
    }),
    processes: z.array(ProcessAnswer),
    partitions: z.array(PartitionAnswer),
    unowned_partitions: Count,
    lateness: z.strictObject({
      late_alarms: Count.meta({ description: 'Alarms that are due and not evaluated.' }),
      longest_ms: Milliseconds,
      oldest_evaluation_at: UtcTimestamp.nullable().meta({
        description: 'The last evaluation of the partition that waits longest; null if none was evaluated.',
      }),
    }),
    backends: z.array(BackendAnswer).meta({ description: 'Backends that evaluators have sent requests to.' }),
    outbox: z.strictObject({
      open: Count.meta({ description: 'Notifications that are pending or in flight.' }),
      due: Count.meta({ description: 'Those that can be sent now.' }),
      stalled: Count.meta({ description: 'Those that are due, with nothing in flight to their receiver.' }),
      dead: Count,
      oldest_due_at: UtcTimestamp.nullable(),
    }),
  })
  .meta({ id: 'Cluster' });
export type ClusterAnswer = z.infer<typeof ClusterAnswer>;

/** The answer about the cluster. */
export function clusterAnswer({ at, processes, partitions, outbox }: ClusterState): ClusterAnswer {
  const modes = processes.flatMap(({ evaluator }) => evaluator?.coordination ?? []);
  return {
    at: utcTimestamp(at),
    coordination: modes.includes('database') ? 'database' : (modes[0] ?? null),
    processes: processes.map((process) => processAnswer(process, partitions, at)),
    partitions: partitions.map(({ id, epoch, owner, isLoaded, lastEvaluatedAt, lateAlarms }) => ({
      partition: id,
      epoch,
      owner,
      loaded: isLoaded,
      last_evaluated_at: lastEvaluatedAt && utcTimestamp(lastEvaluatedAt),
      late_alarms: lateAlarms,
    })),
    unowned_partitions: partitions.filter(({ owner }) => owner === null).length,
    lateness: latenessOf(partitions, at),
    backends: backendsOf(processes),
    outbox: {
      open: outbox.open,
      due: outbox.due,
      stalled: outbox.stalled,
      dead: outbox.dead,
      oldest_due_at: outbox.oldestDueAt && utcTimestamp(outbox.oldestDueAt),
    },
  };
}

function processAnswer(
  { id, roles, version, host, pid, startedAt, heartbeatAt, evaluator }: ProcessRow,
  partitions: readonly PartitionState[],
  at: Date,
): ClusterAnswer['processes'][number] {
  const memberId = evaluator?.memberId ?? null;
  const owned = memberId === null ? [] : partitions.filter(({ owner }) => owner === memberId);
  return {
    process_id: id,
    roles: [...roles],
    version,
    host,
    pid,
    started_at: utcTimestamp(startedAt),
    age_ms: since(startedAt, at),
    silent_ms: since(heartbeatAt, at),
    member_id: memberId,
    coordination: evaluator?.coordination ?? null,
    partitions: owned.length,
    loaded_partitions: owned.filter(({ isLoaded }) => isLoaded).length,
  };
}

function latenessOf(partitions: readonly PartitionState[], at: Date): ClusterAnswer['lateness'] {
  const evaluated = partitions.flatMap(({ lastEvaluatedAt }) => lastEvaluatedAt?.getTime() ?? []);
  return {
    late_alarms: partitions.reduce((sum, { lateAlarms }) => sum + lateAlarms, 0),
    longest_ms: Math.max(0, ...partitions.map(({ lateSince }) => (lateSince ? since(lateSince, at) : 0))),
    oldest_evaluation_at: evaluated.length === 0 ? null : utcTimestamp(new Date(Math.min(...evaluated))),
  };
}

/** A backend is shown as the evaluator sees it that finds it down, or else as the one that found it up last. */
function backendsOf(processes: readonly ProcessRow[]): ClusterAnswer['backends'] {
  const byName = new Map<string, BackendReport[]>();
  for (const report of processes.flatMap(({ evaluator }) => evaluator?.backends ?? []))
    byName.set(report.backend, [...(byName.get(report.backend) ?? []), report]);
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([backend, reports]) => {
      const down = reports.filter(({ isUp }) => !isUp);
      const bySince = (down.length > 0 ? down : reports).toSorted((a, b) => (a.since < b.since ? -1 : 1));
      const shown = down.length > 0 ? bySince[0] : bySince.at(-1);
      return {
        backend,
        up: down.length === 0,
        since: utcTimestamp(new Date(shown?.since ?? 0)),
        reason: shown?.reason ?? null,
        evaluators_up: reports.length - down.length,
        evaluators_down: down.length,
      };
    });
}

function since(time: Date, at: Date): number {
  return Math.max(0, at.getTime() - time.getTime());
}

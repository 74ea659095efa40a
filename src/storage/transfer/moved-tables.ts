/** The value that a column gets in the target, instead of the one of the source: its default there, or null. */
export type FreshValue = 'default' | 'null';

/** A table whose rows an export has. */
export interface MovedTable {
  table: string;
  /** Columns that are not exported, since they belong to the server or the processes of the source. */
  fresh?: Readonly<Record<string, FreshValue>>;
  /** Columns with sealed texts, which the key of the target must open. */
  sealed?: readonly string[];
}

/**
 * The tables that an export has, in the order of their import: a table follows those that it refers to. Numbers of
 * transactions (`xid8`) are never moved, since those of another server may be lower.
 */
export const MOVED_TABLES: readonly MovedTable[] = [
  { table: 'alarms', fresh: { revision: 'default' }, sealed: ['action_secrets'] },
  { table: 'alarm_members' },
  { table: 'alarm_trusts', sealed: ['trust_id'] },
  // Null: an entry from before the present epoch of the stream, which no reader gets.
  { table: 'alarm_history', fresh: { revision: 'null', stream_number: 'null' }, sealed: ['sealed_detail'] },
  { table: 'notification_bodies', sealed: ['action_secrets'] },
  // A notification in flight waits for the end of its claim, as after a crash of its notifier. A trigger sets both
  // fresh columns, to the transaction of the import, which ends before the new epoch of the stream can be read.
  { table: 'notifications', fresh: { ended_in: 'default', ended_number: 'default' } },
  { table: 'attempts' },
  { table: 'receiver_hosts' },
  { table: 'delivery_holds' },
  { table: 'delivery_pauses' },
  { table: 'notification_hours' },
  { table: 'receivers', fresh: { revision: 'default' }, sealed: ['headers'] },
  { table: 'signing_secrets', sealed: ['secret'] },
  { table: 'silences', fresh: { revision: 'default' } },
  { table: 'silence_changes', fresh: { revision: 'default' } },
  // Their times of evaluation say how long the alarms have waited. Owners are processes of the source.
  { table: 'partitions', fresh: { owner: 'null', loaded_epoch: 'null' } },
  { table: 'samples' },
  { table: 'meter_resources' },
  { table: 'events' },
  { table: 'evaluation_counters' },
  { table: 'quotas' },
  { table: 'alarm_counts' },
  { table: 'api_keys' },
  // A request that is repeated after the move gets its first answer. An answer under another key is not kept.
  { table: 'idempotency_keys' },
  { table: 'audit_entries' },
];

/** The other tables, and why their rows stay behind. */
export const TABLES_LEFT_BEHIND: Readonly<Record<string, string>> = {
  members: 'heartbeats of the evaluators of the source',
  processes: 'reports of the processes of the source',
  sessions: 'a browser signs in again',
  migrations: 'the target has its own, which must be the same',
  stream_epoch: 'the target has a new epoch: readers of the stream read their lists again',
  stream_gap: 'as the epoch',
  stream_marks: 'as the epoch',
  stream_entries: 'as the epoch',
};

-- Alarms: the definition by their owners, and the state that evaluators keep.
create table alarms (
  id text primary key,
  project_id text,
  user_id text,
  type text not null,
  name text not null,
  description text not null,
  enabled boolean not null,
  rule text not null,                              -- JSON text, echoed byte for byte: key order matters to clients
  ok_actions text[],                               -- null is kept: clients send it and read it back
  alarm_actions text[],
  insufficient_data_actions text[],
  repeat_actions boolean not null,
  severity text not null,
  time_constraints text not null,                  -- JSON text
  delivery_policy text,                            -- current | every; null: the configured default
  evaluation_options text,                         -- JSON text of options that Aodh does not have; null: none
  muted boolean not null default false,            -- evaluated, but runs no action: imported and not yet activated
  timestamp timestamptz not null,
  created_at timestamptz not null,
  state text not null,
  state_version bigint not null default 0,
  state_reason text not null,
  state_timestamp timestamptz not null,
  definition_version bigint not null default 1,
  query_key text not null,
  partition smallint not null,
  previous_partition smallint,
  revision xid8 not null default pg_current_xact_id(),
  deleted_at timestamptz
);

create index alarms_by_partition on alarms (partition, revision);
create index alarms_by_previous_partition on alarms (previous_partition, revision) where previous_partition is not null;
create index alarms_by_project on alarms (project_id, timestamp desc, id desc) where deleted_at is null;
create index alarms_by_timestamp on alarms (timestamp desc, id desc) where deleted_at is null;
create index alarms_tombstones on alarms (deleted_at) where deleted_at is not null;
create index alarms_muted on alarms (id) where muted and deleted_at is null;
-- An event is compared with the event alarms of the project that it belongs to.
create index alarms_on_events on alarms (coalesce(project_id, ''))
  where deleted_at is null and enabled and type = 'event';

-- The members of combinations. Rows are deleted with their combination.
create table alarm_members (
  combination_id text not null references alarms (id) on delete cascade,
  member_id text not null,
  primary key (combination_id, member_id)
);
create index alarm_members_by_member on alarm_members (member_id);

-- No foreign key to alarms: history outlives its alarm.
create table alarm_history (
  event_id text primary key,
  alarm_id text not null,
  type text not null,
  detail text not null,
  project_id text,
  user_id text,
  on_behalf_of text,
  severity text,
  timestamp timestamptz not null,
  state_version bigint,
  previous_state text
);
create unique index alarm_history_one_transition_per_version on alarm_history (alarm_id, state_version)
  where type = 'state transition';
create index alarm_history_by_alarm on alarm_history (alarm_id, timestamp desc, event_id desc);
create index alarm_history_by_owner on alarm_history (on_behalf_of, timestamp desc, event_id desc);

-- One action of one transition (or repeat). `id` and `body` never change.
create table notifications (
  id text primary key,
  ordinal bigint generated always as identity,     -- rises within an alarm: writers hold the alarm's row
  alarm_id text not null,
  project_id text,
  event_id text,                                   -- the history row; null for repeats
  kind text not null,                              -- transition | repeat
  sequence bigint not null,                        -- the alarm's state version
  transition_time timestamptz not null,
  slot timestamptz,                                -- repeats only: the moment of their evaluation (repeat key)
  action_list text not null,
  action_index smallint not null,
  action text not null,
  lane text not null,                              -- delivery queue, one per alarm and action: its order is kept
  host text not null,                              -- host:port of the receiver, or the scheme
  policy text,                                     -- null: the configured default
  body text not null,
  status text not null default 'pending',          -- pending | in_flight | delivered | dead | superseded | cancelled
  attempt integer not null default 0,
  attempt_base integer not null default 0,         -- attempts that the retry schedule does not count: those before a
                                                   -- replay, and those brought forward
  next_attempt_at timestamptz not null,
  claim_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  replayed_at timestamptz,                         -- when it was replayed: since then it is not stale
  finished_at timestamptz
);
create unique index notifications_one_repeat_per_slot
  on notifications (alarm_id, action_list, action_index, sequence, slot) where kind = 'repeat';
create unique index notifications_one_per_action
  on notifications (alarm_id, action_list, action_index, sequence) where kind = 'transition';
create index notifications_due on notifications (host, (coalesce(project_id, '')), next_attempt_at)
  where status = 'pending';
create index notifications_open_by_lane on notifications (lane, ordinal) where status in ('pending', 'in_flight');
create index notifications_open_by_alarm on notifications (alarm_id) where status in ('pending', 'in_flight');
create index notifications_claims on notifications (claim_until) where status = 'in_flight';
create index notifications_next on notifications (next_attempt_at) where status = 'pending';
create index notifications_ended on notifications (status, finished_at) where status not in ('pending', 'in_flight');
create index notifications_ended_repeats on notifications (finished_at)
  where kind = 'repeat' and status not in ('pending', 'in_flight');
create index notifications_by_project on notifications (project_id, created_at desc, id desc);

create table attempts (
  notification_id text not null references notifications (id) on delete cascade,
  attempt integer not null,
  started_at timestamptz not null,
  duration_ms integer not null,
  outcome text not null,                           -- delivered | retry | dead
  http_status smallint,
  error text,
  primary key (notification_id, attempt)
);

-- Whether the hosts of receivers answer. A host without a row was never called, or not in the last day.
create table receiver_hosts (
  host text primary key,                           -- as in notifications.host
  answered boolean not null,                       -- at the last attempt that ended; false before the first
  outcome_at timestamptz,                          -- when that attempt ended; null before the first
  claimed_at timestamptz                           -- the last claim made while the host had not answered
);
create index receiver_hosts_by_time on receiver_hosts ((greatest(outcome_at, claimed_at)));
create index receiver_hosts_not_answering on receiver_hosts (claimed_at) where not answered;

-- Delivery queues whose receiver answered with Retry-After. Nothing of the queue is sent before `not_before`.
create table delivery_holds (
  lane text primary key,                           -- as in notifications.lane
  not_before timestamptz not null
);
create index delivery_holds_by_time on delivery_holds (not_before);

-- Delivery paused by an operator: for one project, or for all ('*').
create table delivery_pauses (
  project_id text primary key,
  paused_at timestamptz not null
);

-- The owners of partitions. Taking a partition raises its epoch; every commit of an evaluation checks it.
create table partitions (
  id smallint primary key,
  epoch bigint not null default 0,
  owner text,
  evaluation_started_at timestamptz,               -- equal to last_evaluated_at unless a batch is half committed
  last_evaluated_at timestamptz,
  behind jsonb                                     -- alarms that were due and not evaluated in time, by id:
                                                   -- {dueMs, lastMs}, milliseconds since the epoch; null: none
);
insert into partitions (id) select generate_series(0, 255);

create table members (
  id text primary key,
  role text not null,
  heartbeat_at timestamptz not null,
  seen xid8                                        -- evaluators: every revision below it is in their memory
);

-- Built-in meters.
create table samples (
  id bigint generated always as identity primary key,
  message_id text not null,
  meter text not null,
  type text not null,
  unit text not null,
  volume double precision not null,
  resource_id text not null,
  project_id text,
  user_id text,
  source text not null,
  timestamp timestamptz not null,
  recorded_at timestamptz not null,
  resource_metadata jsonb not null
);
create index samples_by_meter on samples (meter, timestamp);
create index samples_by_resource on samples (meter, resource_id, timestamp);
create index samples_by_time on samples (timestamp);

-- One row per meter and resource: lists of meters and resources do not read samples.
create table meter_resources (
  meter text not null,
  resource_id text not null,
  project_id text not null,                        -- '' for none, so that it can be part of the key
  user_id text,
  source text not null,
  type text not null,
  unit text not null,
  first_sample_at timestamptz not null,
  last_sample_at timestamptz not null,
  resource_metadata jsonb not null,
  primary key (meter, resource_id, project_id)
);
create index meter_resources_by_resource on meter_resources (resource_id, project_id);

create table quotas (
  project_id text not null,
  resource text not null,
  "limit" integer not null,                        -- -1: no limit
  primary key (project_id, resource)
);

-- The number of alarms of a project or user, only where a limit applies. A row is inserted when a limit first applies.
-- From then on every insert, deletion and change of owner updates it.
create table alarm_counts (
  kind text not null,                              -- project | user
  id text not null,
  alarms bigint not null,
  primary key (kind, id)
);

-- Counted results of evaluations, if api.evaluation_results_metrics is true.
create table evaluation_counters (
  alarm_id text primary key,
  ok bigint not null default 0,
  alarm bigint not null default 0,
  insufficient_data bigint not null default 0
);

-- Events as received. An event with a known `message_id` of the same project is ignored. The key has the project, since
-- one tenant could otherwise use up the ids of another.
create table events (
  message_id text not null,
  event_type text not null,
  project_id text not null,                        -- '' when the event names none
  generated timestamptz,
  body text not null,                              -- JSON text, as received
  received_at timestamptz not null,
  primary key (project_id, message_id)
);
create index events_by_time on events (received_at);

create table api_keys (
  id text primary key,
  secret_hash text not null,                       -- SHA-256 of the secret part, hexadecimal
  project_id text not null,
  user_id text not null,
  role text not null,                              -- reader | member | admin
  all_projects boolean not null default false,     -- an admin of everything, not of one project
  description text not null default '',
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz                         -- to the hour
);
create index api_keys_by_project on api_keys (project_id, created_at);

-- The Keystone trust that an alarm's trust+ actions use. Its id is encrypted: with it and the password of our Keystone
-- user, an attacker could act as the owner.
create table alarm_trusts (
  id text primary key,
  alarm_id text not null,
  project_id text,                                 -- of the alarm; the trust serves no other project
  trustor_id text not null,                        -- the user whose rights it lends
  trust_id text not null,                          -- sealed, see src/storage/secrets/sealed.ts
  created_at timestamptz not null,
  discarded_at timestamptz                         -- when its alarm stopped using it; the row goes when
                                                   -- Keystone has deleted the trust
);
create unique index alarm_trusts_in_use on alarm_trusts (alarm_id) where discarded_at is null;
create index alarm_trusts_discarded on alarm_trusts (discarded_at) where discarded_at is not null;

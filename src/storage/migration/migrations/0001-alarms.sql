-- Alarms: what owners defined, and the state that evaluators keep.
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
  delivery_policy text,
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

-- Which alarms a combination looks at; rows go with their combination.
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
create unique index alarm_history_one_transition_per_version on alarm_history (alarm_id, state_version) where type = 'state transition';
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
  slot timestamptz,                                -- repeats only: the evaluation they come from
  action_list text not null,
  action_index smallint not null,
  action text not null,
  lane text not null,                              -- order is kept within a lane: one alarm, one action
  host text not null,                              -- what slots are counted by: host:port, or the scheme
  policy text,                                     -- null: the configured default
  body text not null,
  status text not null default 'pending',          -- pending | in_flight | delivered | dead | superseded | cancelled
  attempt integer not null default 0,
  attempt_base integer not null default 0,         -- attempts made before the last replay: the schedule starts over there
  next_attempt_at timestamptz not null,
  claim_until timestamptz,
  last_error text,
  created_at timestamptz not null,
  replayed_at timestamptz,                         -- a person asked for it again: neither stale nor cancelled since then
  finished_at timestamptz
);
create unique index notifications_one_repeat_per_slot
  on notifications (alarm_id, action_list, action_index, sequence, slot) where kind = 'repeat';
create unique index notifications_one_per_action
  on notifications (alarm_id, action_list, action_index, sequence) where kind = 'transition';
create index notifications_due on notifications (host, (coalesce(project_id, '')), next_attempt_at) where status = 'pending';
create index notifications_open_by_lane on notifications (lane, ordinal) where status in ('pending', 'in_flight');
create index notifications_open_by_alarm on notifications (alarm_id) where status in ('pending', 'in_flight');
create index notifications_claims on notifications (claim_until) where status = 'in_flight';
create index notifications_next on notifications (next_attempt_at) where status = 'pending';
create index notifications_ended on notifications (status, finished_at) where status not in ('pending', 'in_flight');
create index notifications_ended_repeats on notifications (finished_at) where kind = 'repeat' and status not in ('pending', 'in_flight');
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

-- Delivery switched off by an operator: for one project, or for all ('*').
create table delivery_pauses (
  project_id text primary key,
  paused_at timestamptz not null
);

-- Who evaluates what. Taking a partition raises its epoch; every commit of an evaluation checks it.
create table partitions (
  id smallint primary key,
  epoch bigint not null default 0,
  owner text,
  evaluation_started_at timestamptz,               -- equal to last_evaluated_at unless a batch is half committed
  last_evaluated_at timestamptz
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

-- One row per meter and resource, so that listing them does not read samples.
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

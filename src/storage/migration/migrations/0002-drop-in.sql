-- Alarms brought over from elsewhere are evaluated, but run no action until they are activated.
alter table alarms add column muted boolean not null default false;
create index alarms_muted on alarms (id) where muted and deleted_at is null;

-- Alarms that may be waiting for a backend that is not configured; counted for readiness and metrics.
create index alarms_by_kind on alarms (type) where deleted_at is null and enabled and type not in ('threshold', 'combination', 'event');
-- Event alarms are looked up by the project that an event belongs to.
create index alarms_on_events on alarms (coalesce(project_id, '')) where deleted_at is null and enabled and type = 'event';

create table quotas (
  project_id text not null,
  resource text not null,
  "limit" integer not null,                        -- -1: no limit
  primary key (project_id, resource)
);

-- How many alarms a project or user has, for those under a limit only: a row appears when a limit is first in force, and from then on
-- every insert, deletion and change of owner keeps it.
create table alarm_counts (
  kind text not null,                              -- project | user
  id text not null,
  alarms bigint not null,
  primary key (kind, id)
);

-- Results of evaluations, where counting them is switched on.
create table evaluation_counters (
  alarm_id text primary key,
  ok bigint not null default 0,
  alarm bigint not null default 0,
  insufficient_data bigint not null default 0
);

-- Events as they came in. `message_id` makes a repeated one harmless; within its project, or one tenant could use up the ids of another.
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

-- The Keystone trust that an alarm's trust+ actions use. Encrypted: whoever has the id and our password could act as its owner.
create table alarm_trusts (
  id text primary key,
  alarm_id text not null,
  project_id text,                                 -- of the alarm; the trust serves no other project
  trustor_id text not null,                        -- the user whose rights it lends
  trust_id text not null,                          -- sealed, see src/storage/secrets/sealed.ts
  created_at timestamptz not null,
  discarded_at timestamptz                         -- no alarm uses it any more; the row goes when Keystone has removed the trust
);
create unique index alarm_trusts_in_use on alarm_trusts (alarm_id) where discarded_at is null;
create index alarm_trusts_discarded on alarm_trusts (discarded_at) where discarded_at is not null;

-- Silences hold the notifications of alarms for a time. Alarms are evaluated as before.
create table silences (
  id text primary key,
  project text not null,                           -- whose alarms it holds; '' for none, * for all projects
  is_admins boolean not null,                      -- only admins may change it
  matchers text not null,                          -- JSON: [{field, value}], all of which must match
  starts_at timestamptz not null,
  ends_at timestamptz,                             -- null: it recurs without a last day
  cron text,                                       -- null: it does not recur
  duration_s integer,                              -- of each opening
  timezone text,                                   -- of the cron expression
  reason text not null,
  owner text not null,
  over_at timestamptz not null,                    -- when it ended or will end for ever; infinity if it recurs
  ended_early boolean not null default false,      -- by a user
  created_at timestamptz not null,
  revision xid8 not null default pg_current_xact_id()
);
create index silences_not_over on silences (project, over_at);
create index silences_over on silences (over_at);
create index silences_by_project on silences (project, created_at desc, id desc);
create index silences_in_order on silences (created_at desc, id desc);

-- Who made, changed and ended a silence.
create table silence_changes (
  silence_id text not null references silences (id) on delete cascade,
  ordinal bigint generated always as identity,
  kind text not null,                              -- created | changed | ended
  at timestamptz not null,
  user_id text,
  project_id text,                                 -- of the user
  changed text[] not null,                         -- names of changed fields
  revision xid8 not null default pg_current_xact_id(),
  primary key (silence_id, ordinal)
);

-- The state that the receivers know, if a silence has held a later one. Null: the present state, or no state was held.
-- Null for the alarms of earlier releases, so that an upgrade sends nothing.
alter table alarms add column told_state text;
create index alarms_to_settle on alarms (partition, id) where told_state is not null and deleted_at is null;

-- The silence that held a notification, also after its release.
alter table notifications add column silence_id text;

-- Silenced notifications can be replayed, too.
create index notifications_replayable on notifications (status, (coalesce(project_id, '')), ordinal)
  where status in ('dead', 'superseded', 'cancelled', 'silenced');
drop index notifications_to_replay;
alter index notifications_replayable rename to notifications_to_replay;

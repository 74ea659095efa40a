-- Notifications that each project was sent in its present hour, not counting further attempts.
create table notification_hours (
  project_id text primary key,                     -- '' for none, so that it can be the key
  since timestamptz not null,                      -- start of the hour
  sent integer not null,
  limited_at timestamptz                           -- when the limit was reached: no more is sent in this hour
);
create index notification_hours_by_time on notification_hours (since);

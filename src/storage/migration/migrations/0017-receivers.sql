-- What waits for a receiver, is sent to it or is dead, by failed attempts and by the time of waiting. The included
-- columns are those of its expressions: without them PostgreSQL would read each row.
create index notifications_by_receiver
  on notifications ((coalesce(project_id, '')), host, status, (attempt > 0), created_at, ordinal)
  include (project_id, attempt)
  where status in ('pending', 'in_flight', 'dead') and kind <> 'test';

-- The list of one status, of all projects.
create index notifications_by_status on notifications (status, created_at desc, id desc) where status <> 'delivered';

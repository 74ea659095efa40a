-- Replays read the notifications that ended undelivered in pieces: by project, then in their order.
create index notifications_to_replay on notifications (status, (coalesce(project_id, '')), ordinal)
  where status in ('dead', 'superseded', 'cancelled');

-- False until all writers of alarms that do not know the counter have ended, and the alarms are counted again; see
-- src/storage/alarms/alarm-count-store.ts. The default is for processes of earlier versions, which count under a lock.
alter table alarm_counts add column complete boolean not null default true;

-- Inserts the counter of a project or user, unless it exists, with the alarms that are committed. It takes no lock of
-- the table. Processes of earlier versions call it too, and use the counter before it is complete: they may miss
-- alarms that are written at the same moment.
create or replace function start_counting(counted_kind text, counted_id text) returns void language sql begin atomic
  insert into alarm_counts (kind, id, alarms, complete)
  select counted_kind, counted_id,
         case when counted_kind = 'project'
              then (select count(*) from alarms a where a.project_id = counted_id and a.deleted_at is null)
              else (select count(*) from alarms a where a.user_id = counted_id and a.deleted_at is null) end,
         false
   where not exists (select from alarm_counts c where c.kind = counted_kind and c.id = counted_id)
      on conflict do nothing; end;

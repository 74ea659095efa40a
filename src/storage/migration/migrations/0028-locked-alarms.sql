-- Alarms that another transaction had locked when the event fired the others; see
-- src/storage/evaluation/locked-events.ts.
alter table events add column locked_alarms text[];
create index events_with_locked_alarms on events (received_at) where locked_alarms is not null;

-- Alarms whose last result is not committed yet, since another transaction had locked them: combinations wait for them.
alter table partitions add column locked_alarms text[];

-- Creates the counter of a project or user, unless it exists, in one statement; see
-- src/storage/alarms/alarm-count-store.ts. Each statement in it sees what was committed before the lock.
create function start_counting(counted_kind text, counted_id text) returns void language plpgsql as $$
declare
  counted bigint;
begin
  lock table alarms in share row exclusive mode;
  if exists (select from alarm_counts c where c.kind = counted_kind and c.id = counted_id) then
    return;
  end if;
  -- There is no index by user: counting happens once for each user, and only if users have a limit.
  if counted_kind = 'project' then
    select count(*) into counted from alarms a where a.project_id = counted_id and a.deleted_at is null;
  else
    select count(*) into counted from alarms a where a.user_id = counted_id and a.deleted_at is null;
  end if;
  insert into alarm_counts (kind, id, alarms) values (counted_kind, counted_id, counted);
end
$$;

-- A search path of its own, so that it finds the tables in any session.
do $$
begin
  execute format('alter function %s set search_path = %I, pg_temp', 'start_counting'::regproc, current_schema());
end
$$;

-- The stream (GET /v1/stream) reads its events from rows that are stored anyway, in the order of the transactions that
-- wrote them, and within one transaction by a number from this sequence.
create sequence stream_numbers;

-- One row. The epoch is part of every id of an event. `origin` and `made_in` tell a restored row from one that was
-- written here: see src/storage/stream/stream-epoch.ts.
create table stream_epoch (
  epoch text not null,
  origin text not null,
  made_in xid8 not null default pg_current_xact_id()
);

-- One row: the last transaction of which an event was deleted.
create table stream_gap (through xid8 not null);
insert into stream_gap (through) values ('0');

-- When transactions were over: all before `revision` had ended at `at`.
create table stream_marks (
  revision xid8 primary key,
  at timestamptz not null
);

-- Events whose rows do not keep them: changes of silences, and ends of deliveries that were replayed since.
create table stream_entries (
  revision xid8 not null default pg_current_xact_id(),
  stream_number bigint not null default nextval('stream_numbers'),
  kind text not null,                              -- delivery | silence
  project_id text,
  all_projects boolean not null default false,     -- every project may see it
  alarm_id text,
  object_id text not null,                         -- id of the notification or silence
  change text not null,                            -- the status of a notification; what happened to a silence
  at timestamptz not null,
  notification_kind text,
  action_list text,
  host text,
  attempt integer,
  error text,
  primary key (revision, stream_number)
);

-- Null in rows that were written before this migration. No default yet, so that they are not rewritten.
alter table alarm_history add column revision xid8;
alter table alarm_history add column stream_number bigint;
alter table alarm_history alter column revision set default pg_current_xact_id();
alter table alarm_history alter column stream_number set default nextval('stream_numbers');
create index alarm_history_by_revision on alarm_history (revision, stream_number) where revision is not null;

-- The transaction in which the delivery ended, and the number of that event; null before.
alter table notifications add column ended_in xid8;
alter table notifications add column ended_number bigint;
create index notifications_by_end on notifications (ended_in, ended_number) where ended_in is not null;

-- Numbers the end of a delivery. An end that the row had before becomes an entry.
create function number_delivery_end() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.ended_in is not null then
    insert into stream_entries (revision, stream_number, kind, project_id, alarm_id, object_id, change, at,
      notification_kind, action_list, host, attempt, error)
    values (old.ended_in, old.ended_number, 'delivery', old.project_id, old.alarm_id, old.id, old.status,
      coalesce(old.finished_at, old.created_at), old.kind, old.action_list, old.host, old.attempt, old.last_error);
  end if;
  if new.status in ('pending', 'in_flight') then
    new.ended_in := null;
    new.ended_number := null;
  else
    new.ended_in := pg_current_xact_id();
    new.ended_number := nextval('stream_numbers');
  end if;
  return new;
end
$$;

-- Tests of actions are answered to their sender, and have no place in the stream.
create trigger notifications_end before update on notifications for each row
  when (new.kind <> 'test' and new.status is distinct from old.status
    and (new.status not in ('pending', 'in_flight') or old.ended_in is not null))
  execute function number_delivery_end();

-- A restored row has its number already.
create trigger notifications_end_at_once before insert on notifications for each row
  when (new.kind <> 'test' and new.status not in ('pending', 'in_flight') and new.ended_in is null)
  execute function number_delivery_end();

-- Notes that rows with events were deleted: a reader who has not read them gets a reset, not a gap.
create function note_stream_gap() returns trigger language plpgsql as $$
declare
  last xid8;
begin
  if tg_table_name = 'notifications' then
    select ended_in into last from gone where ended_in is not null order by ended_in desc limit 1;
  else
    select revision into last from gone where revision is not null order by revision desc limit 1;
  end if;
  update stream_gap set through = last where through < last;
  return null;
end
$$;

create trigger notifications_gone after delete on notifications
  referencing old table as gone for each statement execute function note_stream_gap();
create trigger alarm_history_gone after delete on alarm_history
  referencing old table as gone for each statement execute function note_stream_gap();
create trigger stream_entries_gone after delete on stream_entries
  referencing old table as gone for each statement execute function note_stream_gap();

-- Both functions have a search path of their own, as those of the audit trail, so that they find the tables also
-- while a dump is restored.
do $$
begin
  execute format('alter function number_delivery_end() set search_path = %I, pg_temp', current_schema());
  execute format('alter function note_stream_gap() set search_path = %I, pg_temp', current_schema());
end
$$;

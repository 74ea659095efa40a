-- Heartbeats are notifications of the service itself, of the kind `heartbeat` and without an alarm (alarm_id is empty).
-- As tests of actions they have one attempt and no place in the stream.
drop trigger notifications_end on notifications;
create trigger notifications_end before update on notifications for each row
  when (new.kind not in ('test', 'heartbeat') and new.status is distinct from old.status
    and (new.status not in ('pending', 'in_flight') or old.ended_in is not null))
  execute function number_delivery_end();

drop trigger notifications_end_at_once on notifications;
create trigger notifications_end_at_once before insert on notifications for each row
  when (new.kind not in ('test', 'heartbeat') and new.status not in ('pending', 'in_flight') and new.ended_in is null)
  execute function number_delivery_end();

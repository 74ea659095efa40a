-- Lists of alarms by name. No index has a column that a transition changes: an evaluator would then write a row of each
-- index of the table at each transition.
create index alarms_by_name on alarms (name, id) where deleted_at is null;
create index alarms_by_name_in_project on alarms ((coalesce(project_id, '')), name, id) where deleted_at is null;

-- The newest notification of an alarm, and the list of an alarm's notifications.
create index notifications_by_alarm on notifications (alarm_id, created_at desc, id desc);

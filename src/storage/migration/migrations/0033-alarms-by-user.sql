-- For the first count of a user's alarms, of all projects; see src/storage/alarms/alarm-count-store.ts.
create index alarms_by_user on alarms (user_id) where deleted_at is null;

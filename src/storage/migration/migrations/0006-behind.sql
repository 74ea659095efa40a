-- Alarms that were due and could not be asked about yet, by id, with `dueMs`, the moment since when, and `lastMs`,
-- that of the evaluation before or null, in milliseconds since the epoch; null where no alarm is behind.
-- Written by the partition's owner while its backends have more requests than time. The release before takes no notice of it.
alter table partitions add column behind jsonb;

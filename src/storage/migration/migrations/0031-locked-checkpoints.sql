-- The checkpoint that locked_alarms belongs to. Later ones of an evaluator that does not know locked_alarms leave it as
-- it is, so readers ignore it then. Null: it was written by a process of an earlier version, and belongs to the last.
alter table partitions add column locked_checkpoint timestamptz;

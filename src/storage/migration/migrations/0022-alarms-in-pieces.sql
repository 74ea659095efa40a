-- Evaluators read the alarms of a partition in pieces, in this order. Each piece goes on where the one before ended,
-- also within the many alarms that one import gives the same revision.
create index alarms_of_partition on alarms (partition, revision, id);
drop index alarms_by_partition;
create index alarms_that_left_partition on alarms (previous_partition, revision, id)
  where previous_partition is not null;
drop index alarms_by_previous_partition;

-- The epoch in which the owner of a partition had its alarms in memory. Equal to epoch: the partition is evaluated.
alter table partitions add column loaded_epoch bigint;

-- True: the member stores this for its partitions. Evaluators of older releases do not.
alter table members add column tells_loaded boolean not null default false;

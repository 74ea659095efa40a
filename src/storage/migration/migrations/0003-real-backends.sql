-- What Aodh has no words for (see src/alarm/evaluation-options.ts), as JSON text; null where all is as in Aodh.
alter table alarms add column evaluation_options text;

-- Evaluators count the alarms that wait for a backend in what they hold.
drop index alarms_by_kind;

-- What Aodh has no words for (see src/alarm/evaluation-options.ts), as JSON text; null where all is as in Aodh.
alter table alarms add column evaluation_options text;

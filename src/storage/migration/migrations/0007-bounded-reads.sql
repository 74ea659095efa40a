-- Lists are read in slices, each beginning after the last row of the one before. The indexes end in a unique column,
-- so that many rows of one moment, or of one resource, are divided, too.
create index samples_in_order on samples (meter, timestamp, id);
drop index samples_by_meter;
alter index samples_in_order rename to samples_by_meter;

create index samples_of_resource_in_order on samples (meter, resource_id, timestamp, id);
drop index samples_by_resource;
alter index samples_of_resource_in_order rename to samples_by_resource;

create index meter_resources_in_order on meter_resources (resource_id, project_id, meter);
drop index meter_resources_by_resource;
alter index meter_resources_in_order rename to meter_resources_by_resource;

-- For admins, who read the rows of all projects.
create index notifications_in_order on notifications (created_at desc, id desc);
create index alarm_history_in_order on alarm_history (timestamp desc, event_id desc);

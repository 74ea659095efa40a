-- Lists of the meters and resources of one project, and of the meters of one of its users. No index has a column that
-- a sample of a known resource changes, except when it has another user.
create index meter_resources_by_meter_in_project on meter_resources (project_id, meter, resource_id);
create index meter_resources_by_meter_of_user on meter_resources (project_id, user_id, meter, resource_id);
create index meter_resources_by_resource_in_project on meter_resources (project_id, resource_id, meter);

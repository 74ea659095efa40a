-- A silence of one project, or of all, has it in `project`, as before. One of several projects has them in `projects`.
alter table silences alter column project drop not null; -- null: several
alter table silences add column projects text[];         -- sorted; null unless there are several

-- Headers that a project adds to its webhooks to a receiver.
alter table receivers add column header_names text[] not null default '{}';
alter table receivers add column headers text;      -- names and values as sealed JSON; null: none

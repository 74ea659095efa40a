alter table delivery_pauses add column ends_at timestamptz; -- null: until it is lifted
alter table delivery_pauses add column reason text;
alter table delivery_pauses add column paused_by text;      -- id of the user; null: unknown

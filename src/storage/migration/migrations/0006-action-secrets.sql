-- The whole actions of an alarm whose stored actions are `sealed:…`, as one sealed text: see
-- src/storage/secrets/sealed-actions.ts. Null: no action has secret parts, or there was no key.
alter table alarms add column action_secrets text;

-- The whole detail, sealed, if `detail` lacks the secret parts of actions. Null: `detail` is whole.
alter table alarm_history add column sealed_detail text;

-- The sealed text of the alarm at the transition, if an action of the notifications is `sealed:…`.
alter table notification_bodies add column action_secrets text;

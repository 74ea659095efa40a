-- Room for alarms with a state for each series: '' is the alarm as a whole, the only one today. `lane`, the delivery
-- queue, is a text that can have the key as a part.
alter table alarm_history add column series_key text not null default '';
alter table notifications add column series_key text not null default '';

drop index alarm_history_one_transition_per_version;
create unique index alarm_history_one_transition_per_version on alarm_history (alarm_id, state_version, series_key)
  where type = 'state transition';
drop index notifications_one_per_action;
create unique index notifications_one_per_action
  on notifications (alarm_id, action_list, action_index, sequence, series_key) where kind = 'transition';
drop index notifications_one_repeat_per_slot;
create unique index notifications_one_repeat_per_slot
  on notifications (alarm_id, action_list, action_index, sequence, slot, series_key) where kind = 'repeat';

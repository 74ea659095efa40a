-- Whether the hosts of receivers answer. A host without a row has never been called, or not for a day.
create table receiver_hosts (
  host text primary key,                           -- as in notifications.host
  answered boolean not null,                       -- at the last attempt that ended; false before the first
  outcome_at timestamptz,                          -- when that attempt ended; null before the first
  claimed_at timestamptz                           -- the last claim made while the host had not answered
);
create index receiver_hosts_by_time on receiver_hosts ((greatest(outcome_at, claimed_at)));
create index receiver_hosts_not_answering on receiver_hosts (claimed_at) where not answered;

-- Delivery queues whose receiver asked for time (Retry-After). Nothing of the queue is sent before.
create table delivery_holds (
  lane text primary key,                           -- as in notifications.lane
  not_before timestamptz not null
);
create index delivery_holds_by_time on delivery_holds (not_before);

-- Event alarms deliver every notification unless they say otherwise: so do those of them that wait already.
update notifications n set policy = 'every' from alarms a
 where a.id = n.alarm_id and a.type = 'event' and n.policy is null and n.status in ('pending', 'in_flight');

-- One body for all notifications of a transition, or of a repeat. It is deleted with the last of them.
create table notification_bodies (
  id uuid primary key,
  body text not null                               -- never changes
);

-- Notifications of the first release keep their own body, and have no body_id.
alter table notifications alter column body drop not null;
alter table notifications add column body_id uuid; -- no foreign key, which would cost a lookup for each notification
create index notifications_by_body on notifications (body_id) where body_id is not null;

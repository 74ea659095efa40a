-- A test of an action is a notification of the kind `test`. Its delivery queue is its own, it gets one attempt, and its
-- `replayed_at` is the time of the request: as after a replay, no transition supersedes it.
alter table attempts add column answer text;       -- tests only: start of the receiver's answer, shown to admins only

-- Tests are deleted after a short time and do not count as dead notifications.
create index notifications_tests on notifications (status, finished_at) where kind = 'test';

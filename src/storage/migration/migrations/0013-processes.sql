-- The running processes, for operators. Each writes a row of its own, and deletes those of processes that ended without
-- deleting theirs.
create table processes (
  id text primary key,
  roles text[] not null,
  version text not null,
  host text not null,                              -- name of the machine
  pid integer not null,
  started_at timestamptz not null,
  heartbeat_at timestamptz not null,
  evaluator jsonb                                  -- see EvaluatorReport; null without that role
);

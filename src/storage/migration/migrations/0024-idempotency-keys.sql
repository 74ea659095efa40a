-- Requests with the header Idempotency-Key, and their answers. Rows are kept for a day.
create table idempotency_keys (
  project_id text not null,                        -- of the caller; '' for none
  user_id text not null,                           -- of the caller; '' for none
  route text not null,                             -- method and path of the route
  key text not null,
  request_hash text not null,                      -- hexadecimal SHA-256 of the request, sealed with a key
  made_at timestamptz not null,
  running_until timestamptz,                       -- of a request without an answer: renewed while it runs
  status smallint,                                 -- of the answer; null: there is none yet
  answer text,                                     -- its headers and body, and audit entries, sealed with a key
  primary key (project_id, user_id, route, key)
);
create index idempotency_keys_by_time on idempotency_keys (made_at);

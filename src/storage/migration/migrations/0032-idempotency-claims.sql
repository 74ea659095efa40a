-- The claim of a request that runs in several transactions: its process changes the row only while the claim is its
-- own. Claims of an earlier release have no id, and may have begun.
alter table idempotency_keys
  add column claim_id text,                          -- null for a request in one transaction
  add column has_begun boolean not null default true; -- false: the request has changed nothing yet

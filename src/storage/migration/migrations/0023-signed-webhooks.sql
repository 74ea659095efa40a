-- What a project keeps of a receiver of its webhooks.
create table receivers (
  id text primary key,
  project_id text not null,
  origin text not null,                            -- as parsed, without default port: https://hooks.example.com
  name text not null,
  description text not null,
  created_at timestamptz not null,
  revision xid8 not null default pg_current_xact_id(),
  unique (project_id, origin)
);
create index receivers_by_project on receivers (project_id, created_at desc, id desc);
create index receivers_in_order on receivers (created_at desc, id desc);

-- Secrets that sign webhooks.
create table signing_secrets (
  id text primary key,
  ordinal bigint generated always as identity,     -- the newest is the highest
  project_id text not null,
  receiver_id text not null references receivers (id) on delete cascade,
  secret text not null,                            -- sealed
  created_at timestamptz not null,
  ends_at timestamptz                              -- null: it signs until it is replaced
);
create index signing_secrets_of_receivers on signing_secrets (receiver_id, ordinal desc);
create index signing_secrets_ended on signing_secrets (ends_at) where ends_at is not null;

-- Sessions of the console. Only the cookie that names a session can decrypt its credential.
create table sessions (
  -- Hexadecimal SHA-256 of the cookie's secret.
  id text primary key,
  -- The API key or the Keystone token, encrypted with a key that is derived from the cookie's secret.
  sealed text not null,
  -- The API key or the Keystone user, whose sessions are limited in number.
  account text not null,
  created_at timestamptz not null,
  ends_at timestamptz not null
);
create index sessions_of_account on sessions (account, created_at, id);
create index sessions_by_end on sessions (ends_at);

-- Who may call, with what, how fast; answers kept for repeated requests; signed deliveries already seen.

create table consumers (
  id              text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name            text not null,
  owner           text not null,
  scopes          text[] not null,
  -- Channels whose orders and stock this consumer may see and change; null means all.
  channels        text[],
  -- Places whose tills and stock it speaks for; null means all. A person's stand in `people`.
  stores          text[],
  rate_per_second integer not null default 50 check (rate_per_second > 0),
  burst           integer not null default 100 check (burst > 0),
  api_version     date not null,
  oauth_client_id text unique,
  is_active       boolean not null default true,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);

create table api_keys (
  -- The public part: shown in lists and logs, finds the row, opens nothing.
  id           text primary key,
  consumer_id  text not null references consumers (id),
  -- SHA-256 of the whole key. The key has 160 random bits, so a slow hash would add nothing.
  hash         bytea not null unique check (length(hash) = 32),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz
);
create index api_keys_consumer on api_keys (consumer_id) where revoked_at is null;

create table idempotency_keys (
  consumer_id text not null,
  key         text not null,
  route       text not null,
  digest      text not null,
  -- Both null while the first request is being handled.
  status      integer,
  response    jsonb,
  -- A handler that died leaves its claim; after this another request may take it over.
  claimed_until timestamptz not null,
  expires_at  timestamptz not null,
  primary key (consumer_id, key),
  check ((status is null) = (response is null))
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

-- What operators changed, by whom. Append-only.
create table audit_log (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default now(),
  actor   text not null,
  action  text not null,
  subject text not null,
  detail  jsonb not null default '{}'
);

-- Whoever changes something for an operator notes it here, in the same transaction where there is one.
create function note_audit(who text, what text, about text, detail jsonb) returns void language sql as $$
  insert into audit_log (actor, action, subject, detail) values (who, what, about, detail)
$$;

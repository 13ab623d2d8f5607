-- People who use the console. A person is a consumer with roles; a session is a key of that consumer which expires.

create table people (
  consumer_id text primary key references consumers (id),
  -- What they may do follows from these (src/governance/roles.ts); consumers.scopes is empty.
  roles       text[] not null,
  -- Stores and warehouses whose stock they count and whose work they see; null means all.
  stores      text[],
  -- scrypt: "scrypt$N$r$p$salt$hash", salt and hash in base64. Null until the person has chosen a password.
  password    text,
  -- Issuer and lasting id of somebody who signs in at an identity provider; they have no password here.
  subject     text unique check (subject is null or password is null)
);

-- Links that sign a person in once. The link has 160 random bits, so a slow hash would add nothing.
create table sign_in_links (
  hash        bytea primary key check (length(hash) = 32),
  consumer_id text not null references people (consumer_id),
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null,
  used_at     timestamptz
);

alter table api_keys add column is_session boolean not null default false;
create index api_keys_sessions_ended on api_keys (expires_at) where is_session;

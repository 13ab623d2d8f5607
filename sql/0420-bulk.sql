-- What a person has done to many objects at once: previewed with frozen members, approved by another where it is much, then carried
-- out member by member.

create table bulk_operations (
  id            text primary key,
  kind          text not null,
  -- What is asked, by the kind's schema.
  spec          json not null,
  reason        text not null,
  -- Channels of who asked; null means all. Others see it only if they may see all of these.
  channels      text[],
  -- Of kind, spec and members: an approval names what it approves.
  hash          text not null,
  state         text not null check (state in ('previewed', 'waiting for approval', 'running', 'paused', 'stopped', 'done')),
  needs_approval text,
  risk          json not null,
  refused       json not null,
  total         integer not null,
  requested_by  text not null,
  requested_at  timestamptz not null,
  -- A preview that nobody starts, or an approval that nobody gives, ends then.
  expires_at    timestamptz not null,
  approved_by   text,
  approved_at   timestamptz,
  started_at    timestamptz,
  ended_at      timestamptz,
  -- Why it was stopped before its end, when nobody stopped it.
  ended_why     text,
  per_second    integer not null,
  -- The worker that carries it out, and until when it holds it.
  leased_by     text,
  leased_until  timestamptz
);
create index bulk_operations_recent on bulk_operations (requested_at desc, id desc);
create index bulk_operations_running on bulk_operations (requested_at) where state = 'running';

create table bulk_members (
  operation text not null references bulk_operations (id) on delete cascade,
  n         integer not null,
  member    text not null,
  about     text not null,
  outcome   text check (outcome in ('done', 'skipped', 'failed')),
  reason    text,
  at        timestamptz,
  primary key (operation, n)
);
create index bulk_members_open on bulk_members (operation, n) where outcome is null;

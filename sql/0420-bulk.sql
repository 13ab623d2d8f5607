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
  -- What people should know before they run it, sentence by sentence.
  says          json not null,
  refused       json not null,
  total         integer not null,
  requested_by  text not null,
  requested_at  timestamptz not null,
  -- A preview that nobody starts, or an approval that nobody gives, ends then.
  expires_at    timestamptz not null,
  approved_by   text,
  approved_at   timestamptz,
  started_at    timestamptz,
  -- When what comes once, before the first member, was done.
  prepared_at   timestamptz,
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
  -- What was seen of it at the preview; a member that shows something else has moved.
  seen      text,
  outcome   text check (outcome in ('done', 'skipped', 'failed')),
  reason    text,
  at        timestamptz,
  primary key (operation, n)
);
create index bulk_members_open on bulk_members (operation, n) where outcome is null;

-- Connections whose waiting work is let go by an operation, at its pace; workers let none go besides.
create function drains_under_way() returns table (connection text) language sql stable as $$
  select distinct spec ->> 'connection' from bulk_operations where kind = 'drain' and state in ('running', 'paused')
$$;
create index bulk_operations_drains on bulk_operations ((spec ->> 'connection')) where kind = 'drain' and state in ('running', 'paused');

-- Previews that nobody ran, after a week, and operations that ended before a moment, a thousand at a time.
create function forget_operations(previews_before timestamptz, ended_before timestamptz) returns bigint language sql as $$
  with old as (
    delete from bulk_operations where id in (
      (select id from bulk_operations where state in ('previewed', 'waiting for approval') and expires_at < previews_before order by expires_at limit 500)
      union all
      (select id from bulk_operations where state in ('stopped', 'done') and ended_at < ended_before order by ended_at limit 500)
    ) returning 1
  ) select count(*) from old
$$;

-- Documents of other systems that a person said to be the outcome of a step: one document is one step's, and one step has one. After
-- its operation is forgotten, the document is known as its object's by `object_names`.
create table linked_documents (
  system    text not null,
  type      text not null,
  id        text not null,
  about     text not null,
  workflow  text not null,
  step      text not null,
  linked_by text not null,
  operation text not null references bulk_operations (id) on delete cascade,
  at        timestamptz not null,
  primary key (system, type, id),
  unique (about, workflow, step)
);

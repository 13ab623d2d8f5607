-- Event subscriptions: other teams' systems that the events of the log are sent to. Positions are in `subscriptions`, under the name
-- `events to {id}`.
create table event_subscriptions (
  id           text primary key,
  url          text not null,
  description  text not null,
  -- Names, or all of a kind (order.*); empty: all types.
  types        text[] not null,
  created_by   text not null,
  created_at   timestamptz not null default now(),
  -- The secret is derived from the estate's signing key, the id and this number.
  secret_no    integer not null default 1,
  -- Until when the secret before signs too.
  rotated_until timestamptz,
  state        text not null default 'active' check (state in ('active', 'paused', 'stopped')),
  -- Who paused it, or why it was stopped.
  why          text,
  -- Rises with every change that its sender must notice.
  generation   integer not null default 1,
  leased_by    text,
  leased_until timestamptz not null default '-infinity',
  sent         bigint not null default 0,
  last_sent_at timestamptz,
  -- What goes wrong now: null when nothing does.
  failing_since timestamptz,
  last_error   text
);

-- Takes and keeps the subscriptions that a process sends for. One whose process died is another's after the lease.
create function lease_event_subscriptions(process text, lease_ms float8) returns setof event_subscriptions language sql as $$
  update event_subscriptions s set leased_by = process, leased_until = clock_timestamp() + lease_ms * interval '1 ms'
  where s.state = 'active' and (s.leased_by = process or s.leased_until < clock_timestamp())
  returning s.*
$$;

-- The position before everything that the log took since a moment; null: before what it takes from now on.
create function position_since(since timestamptz, out xid xid8, out seq bigint) language sql as $$
  select coalesce(first.xid, pg_snapshot_xmin(pg_current_snapshot())), coalesce(first.seq - 1, 0)
  from (select) one left join lateral (
    select e.xid, e.seq from events e where since is not null and e.recorded_at >= since order by e.xid, e.seq limit 1) first on true
$$;

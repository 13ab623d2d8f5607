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

-- The position before everything that the log took since a moment; null: before what it takes from now on. It looks up some forty
-- positions, however long the log is. recorded_at is the beginning of a transaction, which draws its xid later, within the time-outs of
-- our connections (30 s): all that is before an event of more than a minute earlier is earlier than the moment.
create function position_since(since timestamptz, out xid xid8, out seq bigint) language plpgsql set enable_bitmapscan = off as $$
declare
  here   xid8 := pg_snapshot_xmin(pg_current_snapshot());
  low    bigint := 0;
  high   bigint := here::text::bigint;
  middle bigint;
  is_earlier boolean;
begin
  while since is not null and low < high - 1 loop
    middle := low + (high - low) / 2;
    is_earlier := (select e.recorded_at < since - interval '1 minute' from events e
      where (e.xid, e.seq) >= (middle::text::xid8, 0) order by e.xid, e.seq limit 1);
    if is_earlier then
      low := middle;
    else
      high := middle;
    end if;
  end loop;
  if since is not null then
    select e.xid, e.seq - 1 into position_since.xid, position_since.seq from events e
    where (e.xid, e.seq) >= (low::text::xid8, 0) and e.recorded_at >= since order by e.xid, e.seq limit 1;
  end if;
  -- What is not committed yet may be before what is.
  if position_since.xid is null or position_since.xid >= here then
    xid := here;
    seq := 0;
  end if;
end $$;

-- Readers of subscriptions that are no more, or may be silent, and positions of those that are no more: they are left when a process
-- dies while it ends one, or begins one that was just ended. A position without a subscription would keep the log from being removed.
create function ghosts_of_event_subscriptions() returns setof text language sql as $$
  delete from subscriptions s where s.name like 'events to %' and not exists (select from event_subscriptions e where s.name = 'events to ' || e.id);
  select r.name from readers r where r.name like 'events to %'
    and not exists (select from event_subscriptions e where r.name = 'events to ' || e.id and e.state <> 'paused')
$$;

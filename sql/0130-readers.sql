-- Background readers: everything that works without being asked (polls, subscriptions, checks of connections, upkeep), and when each
-- last did what it is for. A reader that stops is seen by the age of its row, whatever stopped it.

create table readers (
  name          text primary key,
  -- The connection it reads; null for what belongs to none.
  connection    text,
  -- What it is, in words, and what stays undone while it stands still.
  what          text not null,
  meanwhile     text not null,
  every_ms      bigint not null,
  late_after_ms bigint not null,
  since         timestamptz not null default clock_timestamp(),
  succeeded_at  timestamptz,
  failed_at     timestamptz,
  -- Failures in a row.
  failures      integer not null default 0,
  error_code    text,
  last_error    text,
  -- Until when it had a good reason not to work, and the reason: its connection is paused.
  excused_at    timestamptz,
  excuse        text,
  -- Deliveries turned away since its last success, which anybody may send: they say nothing about how it does.
  turned_away     integer not null default 0,
  turned_away_why text,
  -- When a process of the estate may make its next pass; only readers whose passes are shared have one.
  due_at        timestamptz not null default '-infinity',
  -- Open exceptions about it.
  told          text[] not null default '{}'
);

-- Adds readers, or takes what is declared of them now.
create function add_readers(given json) returns void language sql as $$
  insert into readers as r (name, connection, what, meanwhile, every_ms, late_after_ms)
  select g.name, g.connection, g.what, g.meanwhile, g.every_ms, g.late_after_ms
  from json_to_recordset(given) as g(name text, connection text, what text, meanwhile text, every_ms bigint, late_after_ms bigint)
  order by g.name
  -- Nobody read while no worker ran. What the time before says of it counts no more, and a former error may have ended.
  on conflict (name) do update set connection = excluded.connection, what = excluded.what, meanwhile = excluded.meanwhile,
    every_ms = excluded.every_ms, late_after_ms = excluded.late_after_ms,
    since = case when now() - greatest(r.since, r.succeeded_at, r.failed_at, r.excused_at) > interval '1 minute'
      then clock_timestamp() else r.since end
$$;

-- Registers the readers of a worker and removes those that its estate no longer has. Those of event subscriptions come and go with them.
create function register_readers(given json) returns void language plpgsql as $$
begin
  delete from readers r where r.name not like 'events to %'
    and not exists (select from json_to_recordset(given) as g(name text) where g.name = r.name);
  perform add_readers(given);
end $$;

-- Notes how readers of one process did since its last call. Of several processes that do the same work, the latest success counts.
create function beat_readers(beats json) returns void language sql as $$
  update readers r set
    succeeded_at = greatest(r.succeeded_at, clock_timestamp() - b.succeeded_ms * interval '1 ms'),
    failed_at = greatest(r.failed_at, clock_timestamp() - b.failed_ms * interval '1 ms'),
    failures = b.failures + case when b.succeeded_ms is null then r.failures else 0 end,
    turned_away = b.turned_away + case when b.succeeded_ms is null then r.turned_away else 0 end,
    turned_away_why = coalesce(b.turned_away_why, r.turned_away_why),
    error_code = coalesce(b.error_code, r.error_code),
    last_error = coalesce(b.last_error, r.last_error),
    excused_at = greatest(r.excused_at, clock_timestamp() - b.excused_ms * interval '1 ms'),
    excuse = coalesce(b.excuse, r.excuse)
  from json_to_recordset(beats) as b(name text, succeeded_ms float8, failed_ms float8, failures integer, error_code text,
    last_error text, excused_ms float8, excuse text, turned_away integer, turned_away_why text)
  where r.name = b.name
$$;

-- Takes those of some readers that are due and have not succeeded in the last time: one process of the estate makes each pass, and
-- one that dies in it leaves it to others after the lease.
create function claim_readers(names text[], rest_ms float8, lease_ms float8) returns setof text language sql as $$
  update readers r set due_at = clock_timestamp() + lease_ms * interval '1 ms'
  where r.name = any (names) and r.due_at <= clock_timestamp()
    and (r.succeeded_at is null or r.succeeded_at < clock_timestamp() - rest_ms * interval '1 ms')
  returning r.name
$$;

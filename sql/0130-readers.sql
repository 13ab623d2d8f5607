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
  -- Open exceptions about it.
  told          text[] not null default '{}'
);

-- Registers the readers of a worker and removes those that its estate no longer has.
create function register_readers(given json) returns void language plpgsql as $$
begin
  delete from readers r where not exists (select from json_to_recordset(given) as g(name text) where g.name = r.name);
  insert into readers as r (name, connection, what, meanwhile, every_ms, late_after_ms)
  select g.name, g.connection, g.what, g.meanwhile, g.every_ms, g.late_after_ms
  from json_to_recordset(given) as g(name text, connection text, what text, meanwhile text, every_ms bigint, late_after_ms bigint)
  order by g.name
  -- Nobody read while no worker ran. What the time before says of it counts no more, and a former error may have ended.
  on conflict (name) do update set connection = excluded.connection, what = excluded.what, meanwhile = excluded.meanwhile,
    every_ms = excluded.every_ms, late_after_ms = excluded.late_after_ms,
    since = case when now() - greatest(r.since, r.succeeded_at, r.failed_at, r.excused_at) > interval '1 minute'
      then clock_timestamp() else r.since end;
end $$;

-- Notes how readers of one process did since its last call. Of several processes that do the same work, the latest success counts.
create function beat_readers(beats json) returns void language sql as $$
  update readers r set
    succeeded_at = greatest(r.succeeded_at, clock_timestamp() - b.succeeded_ms * interval '1 ms'),
    failed_at = greatest(r.failed_at, clock_timestamp() - b.failed_ms * interval '1 ms'),
    failures = b.failures,
    error_code = coalesce(b.error_code, r.error_code),
    last_error = coalesce(b.last_error, r.last_error),
    excused_at = greatest(r.excused_at, clock_timestamp() - b.excused_ms * interval '1 ms'),
    excuse = coalesce(b.excuse, r.excuse)
  from json_to_recordset(beats) as b(name text, succeeded_ms float8, failed_ms float8, failures integer, error_code text,
    last_error text, excused_ms float8, excuse text)
  where r.name = b.name
$$;

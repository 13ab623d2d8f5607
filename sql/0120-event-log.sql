-- Event log: one row per business fact, in time partitions.

-- Identities of facts. A table of its own, because it outlives dropped partitions of the log and stays narrow.
-- The key is the first half of SHA-256 of the fact's text.
create table event_facts (
  fact_key uuid primary key,
  inbox_id bigint
);

create sequence event_seq cache 64;

create table events (
  -- Position = (xid, seq): readers go in this order and stop below the oldest transaction still running, because a
  -- sequence number is drawn before its transaction commits and "seq > last" would skip late commits.
  xid           xid8 not null default pg_current_xact_id(),
  seq           bigint not null default nextval('event_seq'),
  recorded_at   timestamptz not null default now(),
  type          text not null,
  fact          text not null,
  key           text not null,
  source        text not null,
  time          timestamptz not null,
  correlation   text not null,
  causation     text,
  traceparent   text,
  schemaversion integer not null,
  inbox_id      bigint,
  -- json, not jsonb: it is returned unchanged and not queried. json_to_recordset refuses U+0000 and lone surrogates, as jsonb does.
  data          json not null
) partition by range (recorded_at);

create index events_position on events (xid, seq);
create index events_key on events (key, xid, seq);
-- For figures over the last hour. The log grows at its end, so a BRIN index is enough and costs inserts nothing.
create index events_recent on events using brin (recorded_at);

-- Nothing reads pages of the log or the inbox by the visibility map, and partitions are dropped whole: vacuum after inserts would only
-- write each page once more, as a whole after a checkpoint.
create table events_default partition of events default with (toast_tuple_target = 256, autovacuum_vacuum_insert_threshold = -1);

-- Creates one partition unless it exists, or the default partition already holds rows of its range.
create function ensure_partition(parent text, suffix text, low text, high text, options text) returns void language plpgsql as $$
declare
  name text := parent || '_' || suffix;
  is_taken boolean;
begin
  if to_regclass(name) is null then
    execute format('select exists (select from %I where %I >= %L and %2$I < %L)', parent || '_default',
      case parent when 'events' then 'recorded_at' else 'id' end, low, high) into is_taken;
    if not is_taken then
      execute format('create table if not exists %I partition of %I for values from (%L) to (%L) %s', name, parent, low, high, options);
    end if;
  end if;
end $$;

-- Creates the partitions of the log and the inbox for a time and the following ones. The worker calls this regularly.
create function ensure_partitions(at timestamptz) returns void language plpgsql as $$
declare
  month timestamp := date_trunc('month', at at time zone 'UTC');
  week  timestamp := date_trunc('week', at at time zone 'UTC');
  low   timestamp;
begin
  for step in 0..1 loop
    low := month + make_interval(months => step);
    perform ensure_partition('events', to_char(low, 'YYYYMM'), (low at time zone 'UTC')::text,
      ((low + interval '1 month') at time zone 'UTC')::text, 'with (toast_tuple_target = 256, autovacuum_vacuum_insert_threshold = -1)');
  end loop;
  for step in 0..2 loop
    low := week + make_interval(weeks => step);
    perform ensure_partition(parent, to_char(low, 'YYYYMMDD'), inbox_day(low at time zone 'UTC')::text,
      inbox_day((low + interval '1 week') at time zone 'UTC')::text, 'with (autovacuum_vacuum_insert_threshold = -1)')
    from unnest(array['inbox_bodies', 'inbox']) as parent;
  end loop;
end $$;

select ensure_partitions(now());

-- A parsed event of a batch. Parsing the JSON again for each consequence was a third of the cost of storing it.
create type new_event as (
  n integer, fact_key uuid, fact text, type text, key text, source text, time timestamptz, correlation text,
  causation text, traceparent text, schemaversion integer, inbox_id bigint, data json, links json, names json
);

create function read_events(input json) returns new_event[] language sql immutable as $$
  select array_agg(e) from json_populate_recordset(null::new_event, input) e
$$;

-- Appends the new events of a batch and returns which are new. Inserts are sorted by key, so that two transactions wait for each
-- other in one order and never deadlock. It joins only lists of the batch, the one place where a hash join is faster.
create function append_new(given new_event[])
returns table (n integer, fact_key uuid, is_new boolean, inbox_id bigint) language sql set enable_hashjoin = on as $$
  with firsts as materialized (
    select distinct on (g.fact_key) g.n, g.fact_key, g.inbox_id from unnest(given) g where g.fact_key is not null order by g.fact_key, g.n
  ), fresh as (
    insert into event_facts as f (fact_key, inbox_id)
    select firsts.fact_key, firsts.inbox_id from firsts order by firsts.fact_key
    on conflict do nothing
    returning f.fact_key
  ), news as materialized (
    select firsts.n from firsts join fresh using (fact_key)
    union all
    -- The journal keeps a step from appending its events twice, so they need no identity.
    select g.n from unnest(given) g where g.fact_key is null
  ), stored as (
    insert into events (type, fact, key, source, time, correlation, causation, traceparent, schemaversion, inbox_id, data)
    select g.type, g.fact, g.key, g.source, g.time, g.correlation, g.causation, g.traceparent, g.schemaversion, g.inbox_id, g.data
    from unnest(given) g join news using (n)
    order by g.n
  ), linked as (
    -- Sorted for the same reason as the facts.
    insert into object_links (from_ref, to_ref, event_type, at)
    select g.key, l.to_ref, g.type, g.time
    from unnest(given) g join news using (n) cross join lateral json_array_elements_text(g.links) as l(to_ref)
    order by g.key, l.to_ref, g.n
    on conflict do nothing
  ), named as (
    insert into object_names (ref, system, type, id)
    select g.key, x.system, x.type, x.id
    from unnest(given) g join news using (n) cross join lateral json_to_recordset(g.names) as x(system text, type text, id text)
    where name_key(x.id) <> ''
    order by name_key(x.id), x.system, g.key, g.n
    on conflict do nothing
  )
  select g.n, g.fact_key, news.n is not null, g.inbox_id from unnest(given) g left join news using (n) order by g.n
$$;

-- Stores the new events of a batch and their consequences (`follow`, see follow_events). Returns for each event whether it is new,
-- and if not, the delivery that brought it first.
create function store_events(input json, follow json)
returns table (n integer, inbox_id bigint, is_new boolean, known_inbox_id bigint) language plpgsql as $$
declare
  given new_event[] := read_events(input);
  places integer[];
  keys uuid[];
  news boolean[];
  inboxes bigint[];
begin
  if given is null then
    return;
  end if;
  select array_agg(a.n), array_agg(a.fact_key), array_agg(a.is_new), array_agg(a.inbox_id)
    into places, keys, news, inboxes from append_new(given) a;
  if follow is not null and true = any (news) then
    perform follow_events(given, follow, array(select p.n from unnest(places, news) as p(n, is_new) where p.is_new));
  end if;
  if false = any (news) then
    -- A separate statement, because it must see a fact that another transaction committed while the insert above waited.
    return query
    select p.n, p.inbox_id, p.is_new, known.inbox_id
    from unnest(places, keys, news, inboxes) as p(n, fact_key, is_new, inbox_id)
    left join event_facts known on known.fact_key = p.fact_key and not p.is_new
    order by p.n;
  else
    return query select p.n, p.inbox_id, true, null::bigint from unnest(places, inboxes) as p(n, inbox_id) order by p.n;
  end if;
end $$;

-- Positions of durable readers, and the events they could not handle.
create table subscriptions (
  name       text primary key,
  xid        xid8 not null default '0',
  seq        bigint not null default 0,
  updated_at timestamptz not null default now()
);

create table subscription_backlog (
  name      text not null references subscriptions (name) on delete cascade,
  xid       xid8 not null,
  seq       bigint not null,
  key       text not null,
  attempts  integer not null default 0,
  next_at   timestamptz not null default now(),
  is_parked boolean not null default false,
  error     jsonb,
  primary key (name, xid, seq)
);
create index subscription_backlog_key on subscription_backlog (name, key, xid, seq);
create index subscription_backlog_due on subscription_backlog (name, next_at) where not is_parked;


-- Inbox: one row per delivery, raw bytes first. Event log: one row per business fact, in time partitions.

create table inbox (
  id            bigint generated always as identity primary key,
  connection    text not null,
  via           text not null check (via in ('webhook', 'poll', 'api', 'file')),
  topic         text not null default '',
  delivery_id   text not null default '',
  received_at   timestamptz not null default clock_timestamp(),
  headers       jsonb not null,
  bytes         bytea not null,
  -- Readable as text, which is half as much to send as the hex of bytea.
  is_utf8       boolean not null default false,
  correlation   text not null,
  traceparent   text,
  state         text not null default 'received' check (state in ('received', 'translated', 'duplicate', 'ignored', 'parked')),
  -- In words: why it is a duplicate, why it was ignored, why it could not be translated.
  reason        text,
  problems      jsonb,
  new_facts     integer not null default 0,
  known_facts   integer not null default 0,
  attempts      integer not null default 0,
  translated_at timestamptz
) with (fillfactor = 85);

create index inbox_received on inbox (id) where state = 'received';
create index inbox_parked on inbox (connection, id) where state = 'parked';
create index inbox_recent on inbox (connection, received_at);

-- Keeps a batch of deliveries and answers their ids in order. Their bodies come joined, as text or in hex, because one value is
-- neither quoted nor escaped as an element of an array is; `lengths` are in bytes.
create function inbox_receive(
  connections text[], vias text[], topics text[], delivery_ids text[], received text[], all_headers text[], correlations text[],
  traceparents text[], lengths integer[], bodies text, are_utf8 boolean
) returns setof bigint language plpgsql as $$
declare
  joined bytea := case when are_utf8 then convert_to(bodies, 'UTF8') else decode(bodies, 'hex') end;
begin
  return query
  with given as (
    select x.*, (sum(x.length) over (order by x.n) - x.length + 1)::integer as start
    from unnest(connections, vias, topics, delivery_ids, received, all_headers, correlations, traceparents, lengths)
      with ordinality as x(connection, via, topic, delivery_id, received_at, headers, correlation, traceparent, length, n)
  )
  insert into inbox as i (connection, via, topic, delivery_id, received_at, headers, bytes, is_utf8, correlation, traceparent)
  select g.connection, g.via, g.topic, g.delivery_id, g.received_at::timestamptz, g.headers::jsonb,
    substr(joined, g.start, g.length), are_utf8, g.correlation, nullif(g.traceparent, '')
  from given g order by g.n
  returning i.id;
end $$;

-- Identity of facts, apart from the log so that it outlives dropped partitions and stays narrow.
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
  -- json and not jsonb: it is passed on as it was given, and nothing in the product looks into it here. What no text of the
  -- server may contain (U+0000, half a surrogate pair) json_to_recordset refuses, as jsonb does.
  data          json not null
) partition by range (recorded_at);

create index events_position on events (xid, seq);
create index events_key on events (key, xid, seq);
-- For figures over the last hour: the log grows at its end, so a summary of blocks is enough and costs inserts nothing.
create index events_recent on events using brin (recorded_at);

create table events_default partition of events default;

-- Makes the partitions for a month and the one after it; the worker calls this daily. Retention drops old partitions.
create function ensure_event_partitions(at timestamptz) returns void language plpgsql as $$
declare
  month timestamptz := date_trunc('month', at, 'UTC');
  name  text;
begin
  for step in 0..1 loop
    name := 'events_' || to_char(month + make_interval(months => step), 'YYYYMM');
    if to_regclass(name) is null then
      execute format('create table %I partition of events for values from (%L) to (%L)',
        name, month + make_interval(months => step), month + make_interval(months => step + 1));
    end if;
  end loop;
end $$;

select ensure_event_partitions(now());

-- Appends those of a batch that are new and says which they were. Sorted by key before inserting, so that two appenders wait
-- for each other in one order and never deadlock. It joins lists of the batch with each other and nothing else, which is the
-- one place where a hash is better than looking up by key.
create function append_new(input json)
returns table (n integer, fact_key uuid, is_new boolean) language sql set enable_hashjoin = on as $$
  with given as materialized (
    select x.* from json_to_recordset(input) as x(
      n integer, fact_key uuid, fact text, type text, key text, source text, time timestamptz, correlation text,
      causation text, traceparent text, schemaversion integer, inbox_id bigint, data json)
  ), firsts as materialized (
    select distinct on (g.fact_key) g.n, g.fact_key, g.inbox_id from given g order by g.fact_key, g.n
  ), fresh as (
    insert into event_facts as f (fact_key, inbox_id)
    select firsts.fact_key, firsts.inbox_id from firsts order by firsts.fact_key
    on conflict do nothing
    returning f.fact_key
  ), news as materialized (
    select firsts.n from firsts join fresh using (fact_key)
  ), stored as (
    insert into events (type, fact, key, source, time, correlation, causation, traceparent, schemaversion, inbox_id, data)
    select g.type, g.fact, g.key, g.source, g.time, g.correlation, g.causation, g.traceparent, g.schemaversion, g.inbox_id, g.data
    from given g join news using (n)
    order by g.n
  )
  select g.n, g.fact_key, news.n is not null from given g left join news using (n) order by g.n
$$;

-- Appends facts that are new; answers for each input whether it was, and which delivery brought it first when it was not.
create function append_events(input json)
returns table (n integer, is_new boolean, known_inbox_id bigint) language plpgsql as $$
declare
  places integer[];
  keys uuid[];
  news boolean[];
begin
  select array_agg(a.n), array_agg(a.fact_key), array_agg(a.is_new) into places, keys, news from append_new(input) a;
  if false = any (news) then
    -- A statement of its own: it sees a fact that another transaction committed while the insert above waited for it.
    return query
    select p.n, p.is_new, known.inbox_id
    from unnest(places, keys, news) as p(n, fact_key, is_new)
    left join event_facts known on known.fact_key = p.fact_key and not p.is_new
    order by p.n;
  else
    return query select place, true, null::bigint from unnest(places) as place;
  end if;
end $$;

-- Where each durable reader stands, and what it could not handle.
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

-- Where the backstop poll of a connection stands.
create table poll_cursors (
  connection text primary key,
  cursor     text,
  since      timestamptz not null,
  polled_at  timestamptz not null default now(),
  found      bigint not null default 0
);

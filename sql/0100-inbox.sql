-- Inbox: one row per delivery. A delivery is translated before it is stored, so its row is written once, with its verdict, in the
-- transaction that stores its bytes, its events and the workflows that these start or wake.

-- Both tables have weekly partitions by id. An id begins with the day its block was drawn, so the id alone selects the partition,
-- and retention drops whole partitions. The default partition holds rows that outlive their week: those of open exceptions.

-- The first id of a day. An id is days since 2020, then eleven digits: safe as a JSON number for two hundred years.
create function inbox_day(at timestamptz) returns bigint language sql immutable as $$
  select ((at at time zone 'UTC')::date - date '2020-01-01')::bigint * 100000000000
$$;

-- Ids are drawn in blocks of 1,000 by each process, which therefore knows them before it writes. Returns the first of a block.
create sequence inbox_blocks maxvalue 99999999 cycle;
create function inbox_next_block() returns bigint language sql volatile as $$
  select inbox_day(clock_timestamp()) + nextval('inbox_blocks') * 1000
$$;

-- Headers and bodies of all deliveries of one commit, joined and compressed by the gateway (zstd). Its id is that of the first.
create table inbox_bodies (
  id    bigint primary key,
  bytes bytea not null
) partition by range (id);
-- Already compressed.
alter table inbox_bodies alter column bytes set storage external;
create table inbox_bodies_default partition of inbox_bodies default;

create table inbox (
  id            bigint primary key,
  connection    text not null,
  via           text not null check (via in ('webhook', 'poll', 'api', 'file')),
  topic         text not null default '',
  delivery_id   text not null default '',
  received_at   timestamptz not null default clock_timestamp(),
  correlation   text not null,
  traceparent   text,
  -- Where its headers and its body stand in the unpacked bytes of `inbox_bodies`.
  bodies        bigint not null,
  starts_at     integer not null,
  head_length   integer not null,
  body_length   integer not null,
  state         text not null check (state in ('translated', 'duplicate', 'ignored', 'parked')),
  -- For people: why it is a duplicate, was ignored, or could not be translated.
  reason        text,
  problems      jsonb,
  -- SHA-256 of a parked delivery's body: a poll must not park the same bytes again.
  digest        text,
  new_facts     integer not null default 0,
  known_facts   integer not null default 0,
  attempts      integer not null default 1
) partition by range (id);

create index inbox_parked on inbox (connection, id) where state = 'parked';
create index inbox_recent on inbox using brin (received_at) with (pages_per_range = 16);
create table inbox_default partition of inbox default;

-- What people corrected in parked deliveries. The bytes stay as they came; a correction is applied when they are translated again.
create table inbox_corrections (
  delivery bigint not null,
  -- The operation that made it: a repeat corrects nothing twice.
  made_in  text not null,
  pointer  text not null,
  value    json not null,
  made_by  text not null,
  made_at  timestamptz not null default clock_timestamp(),
  primary key (delivery, made_in, pointer)
);

-- Signed deliveries of protocols that state a time. A repeat after the sender's last retry is refused.
-- The key begins with the minute the sender states, so that new rows go to the end of the index.
-- Unlogged: a crash of the server empties it. An old delivery that is then accepted again is a duplicate and changes nothing.
create unlogged table webhook_replays (
  delivery_key uuid primary key
);

-- Objects named by deliveries that carry only an id, until they are read from the vendor and put into the inbox.
create table object_fetches (
  connection  text not null,
  type        text not null,
  id          text not null,
  -- The last delivery that named it, and the number of those. A read counts only if no delivery has named it meanwhile.
  inbox_id    bigint not null,
  correlation text not null,
  wanted      bigint not null default 1,
  state       text not null default 'open' check (state in ('open', 'failed')),
  attempts    integer not null default 0,
  due_at      timestamptz not null default clock_timestamp(),
  last_error  text,
  primary key (connection, type, id)
);

create index object_fetches_due on object_fetches (due_at) where state = 'open';

-- Stores objects to be read. An object that is named again is read again.
create function note_fetches(fetches json) returns void language sql as $$
  insert into object_fetches as f (connection, type, id, inbox_id, correlation)
  select distinct on (w.connection, w.type, w.id) w.connection, w.type, w.id, w.inbox_id, w.correlation
  from json_to_recordset(fetches) as w(connection text, type text, id text, inbox_id bigint, correlation text)
  order by w.connection, w.type, w.id, w.inbox_id desc
  on conflict (connection, type, id) do update set wanted = f.wanted + 1, state = 'open', attempts = 0,
    due_at = least(f.due_at, clock_timestamp()), inbox_id = excluded.inbox_id, correlation = excluded.correlation
$$;

-- Gives up an object that cannot be read, and raises the exception. Returns false if it was named again meanwhile.
create function give_up_fetch(of_connection text, of_type text, of_id text, of_wanted bigint, why text, events json, follow json)
returns boolean language plpgsql as $$
begin
  update object_fetches f set state = 'failed', last_error = why
  where (f.connection, f.type, f.id) = (of_connection, of_type, of_id) and f.wanted = of_wanted;
  if not found then
    return false;
  end if;
  perform store_events(events, follow);
  return true;
end $$;

-- Stores a batch of deliveries with all consequences. Returns the state of each, in the order given, and whether any part of any order
-- waits to be read.
create function inbox_receive(deliveries json, packed bytea, replay_keys uuid[], fetches json, events json,
  follow json)
returns table (id bigint, state text, parts_wait boolean) language plpgsql set enable_hashjoin = on as $$
begin
  insert into inbox_bodies (id, bytes) select (deliveries -> 0 ->> 'id')::bigint, packed;
  if cardinality(replay_keys) > 0 then
    insert into webhook_replays (delivery_key) select distinct k from unnest(replay_keys) as k order by k on conflict do nothing;
  end if;
  if json_array_length(fetches) > 0 then
    perform note_fetches(fetches);
  end if;
  return query
  with told as materialized (
    select e.inbox_id, count(*) filter (where e.is_new) as news, count(*) filter (where not e.is_new) as known,
      min(e.known_inbox_id) filter (where e.known_inbox_id <> e.inbox_id) as earlier
    from store_events(events, follow) e group by e.inbox_id
  ), given as materialized (
    select x.*, coalesce(told.news, 0)::integer as news, coalesce(told.known, 0)::integer as known, told.earlier
    from json_to_recordset(deliveries) as x(
      n integer, id bigint, connection text, via text, topic text, delivery_id text, received_at timestamptz, correlation text,
      traceparent text, starts_at integer, head_length integer, body_length integer, is_parked boolean, reason text,
      problems jsonb, digest text, exceptions integer)
    left join told on told.inbox_id = x.id
  ), judged as materialized (
    select g.*, case when g.is_parked then 'parked' when g.news > 0 then 'translated' when g.known > 0 then 'duplicate'
      else 'ignored' end as verdict
    from given g
  ), stored as (
    insert into inbox (id, connection, via, topic, delivery_id, received_at, correlation, traceparent, bodies, starts_at,
      head_length, body_length, state, reason, problems, digest, new_facts, known_facts)
    select j.id, j.connection, j.via, j.topic, j.delivery_id, j.received_at, j.correlation, j.traceparent,
      (deliveries -> 0 ->> 'id')::bigint, j.starts_at, j.head_length, j.body_length, j.verdict,
      case when j.verdict <> 'duplicate' then j.reason else known_reason(j.known, j.earlier) end,
      j.problems, j.digest, j.news - case when j.is_parked then least(j.exceptions, j.news) else 0 end, j.known
    from judged j order by j.n
  ), counted as (
    select count_figures(json_agg(json_build_object('name', 'deliveries', 'label', j.connection || '|' || j.verdict, 'by', 1)))
    from judged j
  )
  select j.id, j.verdict, exists (select from exceptions x where x.state = 'open' and x.part is not null)
  from judged j, counted order by j.n;
end $$;

-- Why a delivery is a duplicate, for people.
create function known_reason(facts integer, earlier bigint) returns text language sql stable as $$
  select case when facts = 1 then 'its one fact was' else 'all ' || facts || ' facts were' end
    || case when earlier is null then ' already known'
       else ' brought by delivery ' || earlier || ' before' || coalesce((select ' (by ' || i.via || ')' from inbox i where i.id = earlier), '')
       end
$$;

-- Stores the new state of a parked delivery that was translated again, with its events.
create function inbox_retranslated(delivery bigint, why text, all_problems jsonb, is_parked boolean, exceptions integer,
  fetches json, events json, follow json)
returns text language plpgsql as $$
declare
  news integer;
  known integer;
  verdict text;
begin
  select count(*) filter (where e.is_new), count(*) filter (where not e.is_new) into news, known from store_events(events, follow) e;
  if json_array_length(fetches) > 0 then
    perform note_fetches(fetches);
  end if;
  verdict := case when is_parked then 'parked' when news > 0 then 'translated' when known > 0 then 'duplicate' else 'ignored' end;
  update inbox i set state = verdict, problems = all_problems, attempts = i.attempts + 1,
    reason = case when verdict = 'duplicate' then known_reason(known, null) else why end,
    new_facts = news - case when is_parked then least(exceptions, news) else 0 end, known_facts = known
  where i.id = delivery;
  return verdict;
end $$;

-- Cursors of polls, one per connection and change list.
create table poll_cursors (
  connection text not null,
  list       text not null,
  cursor     text,
  since      timestamptz not null,
  -- The connection's first day, or an earlier moment from which somebody had its history read.
  starts_at  timestamptz not null,
  polled_at  timestamptz not null default now(),
  found      bigint not null default 0,
  -- When the next pass may begin. The process that begins a pass moves this forward, so that no other begins one.
  due_at     timestamptz not null default now(),
  primary key (connection, list)
);

-- Webhook subscriptions found or created at the vendor. If one is missing later, somebody else has removed it.
create table kept_subscriptions (
  connection text not null,
  topic      text not null,
  address    text not null,
  since      timestamptz not null default now(),
  seen_at    timestamptz not null default now(),
  primary key (connection, topic, address)
);

-- Inbox: one row per delivery. A delivery is translated before it is stored, so its row is written once, with its verdict, in the
-- transaction that stores its bytes, its events and the workflows that these start or wake.

-- Ids are drawn in blocks of 1,000 by each process, which therefore knows them before it writes.
create sequence inbox_blocks;

-- Headers and bodies of all deliveries of one commit, joined and compressed by the gateway (zstd).
create table inbox_bodies (
  id    bigint primary key,
  bytes bytea not null
);
-- PostgreSQL would try to compress it once more.
alter table inbox_bodies alter column bytes set storage external;

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
  -- In words: why it is a duplicate, why it was ignored, why it could not be translated.
  reason        text,
  problems      jsonb,
  -- SHA-256 of the body, only of what is parked: a poll must not park the same bytes again.
  digest        text,
  new_facts     integer not null default 0,
  known_facts   integer not null default 0,
  attempts      integer not null default 1
);

create index inbox_parked on inbox (connection, id) where state = 'parked';
create index inbox_recent on inbox using brin (received_at) with (pages_per_range = 16);

-- Signed deliveries whose protocol carries a time; an old one that comes again after its sender has given up is refused.
-- The key begins with the minute the sender states, so that new rows go to the end of the index.
create table webhook_replays (
  delivery_key uuid primary key
);

-- Stores a batch of deliveries with everything that follows from them. Returns what became of each, in the order given.
create function inbox_receive(deliveries json, packed bytea, replay_keys uuid[], events json, follow json)
returns table (id bigint, state text) language plpgsql set enable_hashjoin = on as $$
begin
  insert into inbox_bodies (id, bytes) select (deliveries -> 0 ->> 'id')::bigint, packed;
  if cardinality(replay_keys) > 0 then
    insert into webhook_replays (delivery_key) select distinct k from unnest(replay_keys) as k order by k on conflict do nothing;
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
      problems jsonb, digest text)
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
      j.problems, j.digest, case when j.is_parked then 0 else j.news end, j.known
    from judged j order by j.n
  ), counted as (
    select count_figures(json_agg(json_build_object('name', 'deliveries', 'label', j.connection || '|' || j.verdict, 'by', 1)))
    from judged j
  )
  select j.id, j.verdict from judged j, counted order by j.n;
end $$;

-- Why a delivery told nothing new, in words.
create function known_reason(facts integer, earlier bigint) returns text language sql stable as $$
  select case when facts = 1 then 'its one fact was' else 'all ' || facts || ' facts were' end
    || case when earlier is null then ' already known'
       else ' brought by delivery ' || earlier || ' before' || coalesce((select ' (by ' || i.via || ')' from inbox i where i.id = earlier), '')
       end
$$;

-- Notes what became of a parked delivery that was translated again, with its events, in one transaction.
create function inbox_retranslated(delivery bigint, why text, all_problems jsonb, is_parked boolean, events json, follow json)
returns text language plpgsql as $$
declare
  news integer;
  known integer;
  verdict text;
begin
  select count(*) filter (where e.is_new), count(*) filter (where not e.is_new) into news, known from store_events(events, follow) e;
  verdict := case when is_parked then 'parked' when news > 0 then 'translated' when known > 0 then 'duplicate' else 'ignored' end;
  update inbox i set state = verdict, problems = all_problems, attempts = i.attempts + 1,
    reason = case when verdict = 'duplicate' then known_reason(known, null) else why end,
    new_facts = case when is_parked then 0 else news end, known_facts = known
  where i.id = delivery;
  return verdict;
end $$;

-- Where the backstop poll of a connection stands.
create table poll_cursors (
  connection text primary key,
  cursor     text,
  since      timestamptz not null,
  polled_at  timestamptz not null default now(),
  found      bigint not null default 0
);

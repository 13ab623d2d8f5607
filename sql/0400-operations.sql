-- Read models, written in the transaction of their events. Each can be rebuilt from the log.

-- Business objects and their current state.
create table objects (
  ref         text primary key,
  kind        text not null,
  id          text not null,
  state       text not null,
  reason      text,
  -- When it entered that state.
  since       timestamptz not null,
  -- The team or system that owns it; null once it has ended.
  owner       text,
  -- The store or warehouse it is at.
  place       text,
  channel     text,
  -- The number people use, and the id in its own system. Both are in object_names too.
  number      text,
  external_id text,
  version     text,
  edition     text,
  value_minor bigint,
  currency    text,
  opened_at   timestamptz not null,
  finished_at timestamptz,
  -- Whether its state is a last one. No index contains columns that change with the state, so updates are HOT.
  ended_as    text,
  found_via   text
) with (fillfactor = 80);
create index objects_recent on objects (kind, opened_at desc, ref desc);
create index objects_open on objects (kind, opened_at desc, ref desc) where ended_as is null;
create index objects_ended on objects (kind, ended_as, opened_at desc, ref desc) where ended_as is not null;
create index objects_polled on objects (kind, opened_at) where found_via = 'poll';

create view orders as
select o.id, o.ref, o.channel, o.number, o.external_id, o.state, o.reason, o.version, o.opened_at as placed_at,
  o.value_minor as total_minor, o.currency, o.since as changed_at, o.finished_at, o.found_via
from objects o where o.kind = 'order';

-- What states of orders say: 'first' of an order that nothing is known of; 'known' when it is what is known already, or older than that;
-- 'again' when the order was so before and was changed meanwhile; otherwise 'new'. given: [{n, ref, edition, at, as_placed, fact_key}].
create function compare_editions(given json) returns table (n integer, verdict text) language sql stable set plan_cache_mode = force_generic_plan as $$
  select g.n, case when o.edition is null then 'first' when o.edition = g.edition or o.version::timestamptz > g.at then 'known'
    -- Some shops count in seconds: of two states of one second, the one with the goods as they were placed is older. A delivery
    -- cannot always tell goods that were added from those that were placed, so before the first edit every other state is newer.
    when g.as_placed and o.version::timestamptz = g.at and split_part(o.edition, '-', 1) <> split_part(g.edition, '-', 1)
      and exists (select from events e where e.key = g.ref and e.type = 'order.edited') then 'known'
    when exists (select from event_facts f where f.fact_key = g.fact_key) then 'again' else 'new' end
  from json_to_recordset(given) as g(n integer, ref text, edition text, at timestamptz, as_placed boolean, fact_key uuid)
  left join objects o on o.ref = g.ref
$$;

-- Inserts objects and updates their states. input: [{n,ref,kind,id, …}]; only entries whose place is in `fresh` count.
create function announce_objects(input json, fresh integer[]) returns void language plpgsql as $$
begin
  insert into objects as o (ref, kind, id, state, channel, number, external_id, version, edition, value_minor, currency, opened_at,
    since, found_via)
  select distinct on (x.ref) x.ref, x.kind, x.id, x.introduced, x.channel, x.number, x."externalId", x.version, x.edition,
    x."valueMinor", x.currency, x."placedAt", x.at, x."foundVia"
  from json_to_recordset(input) as x(n integer, ref text, kind text, id text, introduced text, channel text, number text,
    "externalId" text, version text, edition text, "valueMinor" bigint, currency text, "placedAt" timestamptz, at timestamptz, "foundVia" text)
  where x.n = any (fresh) and x.introduced is not null
  order by x.ref, x.version::timestamptz desc, x.n
  on conflict (ref) do update set channel = excluded.channel, number = excluded.number, external_id = excluded.external_id,
    version = excluded.version, edition = excluded.edition, value_minor = excluded.value_minor, currency = excluded.currency,
    opened_at = excluded.opened_at, found_via = coalesce(o.found_via, excluded.found_via)
    where o.version is null or o.version::timestamptz <= excluded.version::timestamptz;

  insert into objects as o (ref, kind, id, state, reason, since, owner, place, channel, value_minor, currency, opened_at, finished_at,
    ended_as)
  select distinct on (x.ref) x.ref, x.kind, x.id, x.state, x.reason, x.at, x.owner, x.place,
    -- A part of an order has the order's channel.
    (select whole.channel from objects whole where whole.ref = x."partOf"), x."valueMinor", x.currency, x.at,
    case when x."isFinal" then x.at end, case when x."isFinal" then x.state end
  from json_to_recordset(input) as x(n integer, ref text, kind text, id text, state text, reason text, at timestamptz, owner text,
    place text, "partOf" text, "valueMinor" bigint, currency text, "isFinal" boolean)
  where x.n = any (fresh) and x.state is not null
  order by x.ref, x.n desc
  on conflict (ref) do update set state = excluded.state, reason = excluded.reason, owner = excluded.owner,
    since = case when o.state = excluded.state then o.since else excluded.since end,
    place = coalesce(excluded.place, o.place), channel = coalesce(o.channel, excluded.channel),
    -- The event that inserts an object also gives its value.
    value_minor = case when o.version is null then coalesce(excluded.value_minor, o.value_minor) else o.value_minor end,
    currency = case when o.version is null then coalesce(excluded.currency, o.currency) else o.currency end,
    finished_at = excluded.finished_at, ended_as = excluded.ended_as;
end $$;

-- A page of objects of some kinds, newest first: at most `most` rows, one index scan per kind. `wanted` is a state.
create function list_objects(kinds text[], is_open boolean, wanted text, before timestamptz, before_ref text, most integer)
returns setof objects language plpgsql stable rows 50 as $$
begin
  if wanted is not null then
    return query
    select o.* from unnest(kinds) as k(kind) cross join lateral (
      (select e.* from objects e where e.kind = k.kind and e.ended_as = wanted and is_open is not true
        and (e.opened_at, e.ref) < (before, before_ref) order by e.opened_at desc, e.ref desc limit most)
      union all
      (select e.* from objects e where e.kind = k.kind and e.ended_as is null and e.state = wanted and is_open is not false
        and (e.opened_at, e.ref) < (before, before_ref) order by e.opened_at desc, e.ref desc limit most)
    ) o order by o.opened_at desc, o.ref desc limit most;
  elsif is_open then
    return query
    select o.* from unnest(kinds) as k(kind) cross join lateral (
      select e.* from objects e where e.kind = k.kind and e.ended_as is null and (e.opened_at, e.ref) < (before, before_ref)
      order by e.opened_at desc, e.ref desc limit most
    ) o order by o.opened_at desc, o.ref desc limit most;
  else
    return query
    select o.* from unnest(kinds) as k(kind) cross join lateral (
      select e.* from objects e where e.kind = k.kind and (is_open is null or e.ended_as is not null) and (e.opened_at, e.ref) < (before, before_ref)
      order by e.opened_at desc, e.ref desc limit most
    ) o order by o.opened_at desc, o.ref desc limit most;
  end if;
end $$;

create table exceptions (
  id             text primary key,
  -- The object it is about, and that object's order if it has one.
  about          text not null,
  workflow       text,
  order_id       text,
  cause          text not null,
  summary        text not null,
  done_so_far    json not null,
  if_nobody_acts text not null,
  allowed        json not null,
  owner          text not null,
  risk_minor     bigint,
  risk_currency  text,
  sku            text,
  -- GTINs on the goods of an article that nobody knows.
  barcodes       text[],
  missing_milli  bigint,
  -- The part of an order that waits, and the time of the state that it was found in.
  part           text,
  part_at        timestamptz,
  -- What cases have in common; group_id follows from it (exception_group).
  kind           text not null check (kind in ('outage', 'data', 'flow')),
  connection     text,
  operation      text,
  code           text,
  field          text,
  value          text,
  group_id       text not null,
  channel        text,
  due_at         timestamptz,
  due_what       text,
  opened_at      timestamptz not null,
  state          text not null default 'open' check (state in ('open', 'decided')),
  action         text,
  decided_by     text,
  decided_at     timestamptz,
  decision_note  text,
  decision_day   text
);
create index exceptions_recent on exceptions (opened_at desc, id desc);
create index exceptions_open on exceptions (opened_at desc, id desc) where state = 'open';
create index exceptions_parts on exceptions (part) where state = 'open' and part is not null;
create index exceptions_parts_failed on exceptions (part) where right(part, 7) = ':failed';
create index exceptions_articles on exceptions (channel, sku) where state = 'open' and cause = 'article is unknown';
create index exceptions_order on exceptions (order_id) where order_id is not null;
-- Groups are counted from the open cases when they are looked at: ten thousand take some forty milliseconds.
create index exceptions_grouped on exceptions (group_id, opened_at desc) include (risk_currency, risk_minor, due_at, owner, channel, order_id, kind, connection)
  where state = 'open';
create index exceptions_groups_ended on exceptions (group_id, decided_at desc) where state = 'decided';

-- The group of a case, from what cases of one cause have in common. Of an outage the connection is all that counts.
create function exception_group(kind text, connection text, operation text, code text, field text, value text) returns text
language sql immutable parallel safe return
  'grp_' || substr(encode(sha256(convert_to(
    case when kind = 'outage' and connection is not null then json_build_array('1', kind, connection)
      else json_build_array('1', kind, connection, operation, code, field, value) end::text, 'UTF8')), 'hex'), 1, 16);

-- What people said of a group. A group without a row is open and nobody's.
create table exception_group_marks (
  group_id       text primary key,
  assignee       text,
  -- Until then it is known to be worked on and is not told again.
  acknowledged_by    text,
  acknowledged_until timestamptz,
  -- Out of sight until then, or until it has grown by so many cases or so much money, whichever comes first.
  snoozed_until  timestamptz,
  snoozed_cases  integer,
  snoozed_minor  bigint,
  snoozed_currency text,
  version        bigint not null default 1
);

-- Everything people did with a group, oldest first. Append-only.
create table exception_group_notes (
  id       bigint generated always as identity primary key,
  group_id text not null,
  at       timestamptz not null default now(),
  by       text not null,
  act      text not null,
  text     text not null default '',
  detail   jsonb not null default '{}'
);
create index exception_group_notes_of on exception_group_notes (group_id, id);

-- Opens and closes exceptions by new events.
create function note_exceptions(given new_event[], fresh integer[]) returns void language plpgsql as $$
begin
  -- People's rules about groups stay as they are meanwhile (sql/0425-group-rules.sql).
  perform pg_advisory_xact_lock_shared(7106, 0);
  -- Of two transactions that open and decide one exception at the same time neither would see the other. The later one waits here
  -- until the earlier one can be seen. Few locks, because one batch may open thousands and the server has room for some thousand
  -- locks; in one order, so that two batches never wait for each other.
  perform pg_advisory_xact_lock(7105, x.lock)
  from (select distinct hashtext(e.data ->> 'exceptionId') & 63 as lock from unnest(given) e
    where e.type in ('exception.opened', 'exception.decided') and e.n = any (fresh) order by 1) x;

  insert into exceptions (id, about, workflow, order_id, cause, summary, done_so_far, if_nobody_acts, allowed, owner, risk_minor,
    risk_currency, sku, barcodes, missing_milli, part, part_at, opened_at, kind, connection, operation, code, field, value, group_id, channel,
    due_at, due_what)
  select d."exceptionId", d.about, d.workflow, substring(d.about from '(ord_[0-9a-z]{16})(?:/|$)'), d.cause, d.summary,
    d."doneSoFar", d."ifNobodyActs", d."allowedActions", d.owner, (d."atRisk" ->> 'amountMinor')::bigint, d."atRisk" ->> 'currency',
    d.sku, (select array_agg(c) from json_array_elements_text(d.barcodes) c), d."missingMilli", d.part ->> 'name', (d.part ->> 'at')::timestamptz, d.at,
    b.kind, b.connection, b.operation, b.code, b.field, b.value, exception_group(b.kind, b.connection, b.operation, b.code, b.field, b.value),
    coalesce(o.channel, substring(d.about from '^channel/(.+)$')), (d."dueAt" ->> 'at')::timestamptz, d."dueAt" ->> 'what'
  from unnest(given) e
  cross join lateral json_to_record(e.data) as d("exceptionId" text, about text, workflow text, cause text, summary text,
    "doneSoFar" json, "ifNobodyActs" text, "allowedActions" json, owner text, "atRisk" json, sku text, barcodes json, "missingMilli" bigint, part json,
    because json, "dueAt" json, at timestamptz)
  cross join lateral (select coalesce(d.because ->> 'kind', 'flow') as kind, d.because ->> 'connection' as connection,
    -- Whoever says nothing of it means its cause.
    case when d.because is null then d.cause else d.because ->> 'operation' end as operation, d.because ->> 'code' as code,
    d.because ->> 'field' as field, case when d.because is null then d.sku else d.because ->> 'value' end as value) b
  left join objects o on o.ref = 'order/' || substring(d.about from '(ord_[0-9a-z]{16})(?:/|$)')
  where e.type = 'exception.opened' and e.n = any (fresh)
  order by d."exceptionId"
  on conflict (id) do nothing;
  perform group_new_exceptions(array(
    select e.data ->> 'exceptionId' from unnest(given) e where e.type = 'exception.opened' and e.n = any (fresh)));

  update exceptions x set state = 'decided', action = d.action, decided_by = d."decidedBy", decided_at = d.at, decision_note = d.reason,
    decision_day = d.day
  from unnest(given) e
  cross join lateral json_to_record(e.data) as d("exceptionId" text, action text, "decidedBy" text, reason text, day text, at timestamptz)
  where e.type = 'exception.decided' and e.n = any (fresh) and x.id = d."exceptionId" and x.state = 'open';

  -- A provider's messages come in any order: what has ended may be told before it began.
  update exceptions x set state = 'decided', action = d.action, decided_by = d."decidedBy", decided_at = d.at, decision_note = d.reason,
    decision_day = d.day
  from unnest(given) o
  join events e on e.key = o.key and e.type = 'exception.decided' and e.data ->> 'exceptionId' = o.data ->> 'exceptionId'
  cross join lateral json_to_record(e.data) as d(action text, "decidedBy" text, reason text, day text, at timestamptz)
  where o.type = 'exception.opened' and o.n = any (fresh) and x.id = o.data ->> 'exceptionId' and x.state = 'open';
end $$;

-- Open exceptions about parts of orders that a delivery read whole. given: [{prefix, at, has: [ids], without: [names that still wait]}].
-- A name goes on after its prefix with `:` or `@`: refund 12 is no beginning of refund 123.
create function parts_read(given json) returns table (id text, about text) language sql stable as $$
  select distinct x.id, x.about
  from json_to_recordset(given) as g(prefix text, at timestamptz, has json, without json)
  join exceptions x on x.state = 'open' and x.part is not null and starts_with(x.part, g.prefix)
    and substr(x.part, length(g.prefix) + 1, 1) in ('', ':', '@')
    and (x.part_at < g.at or x.part_at = g.at
      and (g.has is null or split_part(substr(x.part, length(g.prefix) + 2), ':', 1) in (select json_array_elements_text(g.has))))
  where x.part not in (select json_array_elements_text(g.without))
$$;

-- Of these parts of orders, the ones that need no exception: one that is open is about them, or a later state of the order said that they
-- failed (`unpaidRefund`), whether a person has decided about that or not.
create function parts_waiting(parts text[], ats timestamptz[]) returns table (part text) language sql stable as $$
  select distinct x.part from exceptions x where x.state = 'open' and x.part = any (parts)
  union
  select p.part from unnest(parts, ats) p (part, at)
  join exceptions x on x.part = p.part || ':failed' and right(x.part, 7) = ':failed' and x.part_at > p.at
$$;

-- Open exceptions about an object, of one cause.
create function exceptions_about(object text, because text) returns table (id text) language sql stable as $$
  select x.id from exceptions x where x.state = 'open' and x.about = object and x.cause = because
$$;

-- Open exceptions of a delivery: of all of it, and of its records and parts.
create function delivery_exceptions(delivery bigint) returns table (id text, about text) language sql stable as $$
  select x.id, x.about from exceptions x
  where x.state = 'open' and x.id ~ ('^inbox-' || delivery || '(-[0-9]+)?(:[0-9]+)?$')
$$;

-- Deliveries that wait for nothing more: later ones told what they could not.
create function inbox_settled(deliveries bigint[]) returns void language sql as $$
  update inbox i set state = 'translated', reason = 'what it could not tell was told by a later delivery'
  where i.id = any (deliveries) and i.state = 'parked'
    and not exists (select from exceptions x where x.state = 'open' and x.id ~ ('^inbox-' || i.id || '(-[0-9]+)?(:[0-9]+)?$'))
$$;

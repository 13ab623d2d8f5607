-- Promises on outcomes, derived from the log and rebuilt from it: one row a promise and subject. `build` names the promises as the estate
-- declares them; when they change, a new build is derived from the start of the log beside the old one, which goes once nobody uses it.

-- What orders are divided by.
create table promise_orders (
  order_id    text primary key,
  channel     text not null,
  store       text,
  region      text,
  method      text not null,
  total_minor bigint not null,
  currency    text not null,
  placed_at   timestamptz not null
);
create index promise_orders_placed on promise_orders (placed_at);

create table promise_builds (
  build   text primary key,
  seen_at timestamptz not null default clock_timestamp()
);

create table promise_outcomes (
  build       text not null,
  promise     text not null,
  subject     text not null,
  order_id    text,
  channel     text,
  store       text,
  region      text,
  method      text,
  -- The values it is judged by, from narrow to wide.
  scope       text[] not null,
  minor       bigint,
  currency    text,
  started_at  timestamptz not null,
  due_at      timestamptz not null,
  -- kept: it came true in time; missed: its time has passed, whether or not it came true since.
  state       text not null default 'open' check (state in ('open', 'kept', 'missed')),
  ended_at    timestamptz,
  ended_by    text,
  -- When it was known: it came true, or was due.
  finished_at timestamptz,
  -- How far a long one has come; [[stage, since], …].
  stages      json,
  stage       text,
  stage_at    timestamptz,
  primary key (build, promise, subject)
) with (fillfactor = 80);
create index promise_outcomes_open on promise_outcomes (build, promise, due_at, subject) where state = 'open';
create index promise_outcomes_finished on promise_outcomes (build, promise, finished_at desc) include (state) where finished_at is not null;
create index promise_outcomes_missed on promise_outcomes (build, promise, finished_at desc, subject desc) where state = 'missed';
create index promise_outcomes_order on promise_outcomes (order_id) where order_id is not null;

-- What a batch of events says of one promised outcome.
create type promise_change as (promise text, subject text, "orderId" text, channel text, store text, region text, method text, scope text[],
  money json, "startedAt" timestamptz, "dueAt" timestamptz, "hasLapsed" boolean, moves json, "endedAt" timestamptz);

-- Notes what events say of promises, each outcome once a batch: most begin and end within a few batches, and each row version costs its
-- index entries. `oldest`: what ends the oldest outcome of an order, in the order of the log. Repeated, it changes nothing.
create function note_promises(of_build text, orders json, changes json, oldest json) returns void language plpgsql as $$
declare
  given promise_change[] := array(select c from json_populate_recordset(null::promise_change, changes) c);
  one record;
begin
  insert into promise_orders (order_id, channel, store, region, method, total_minor, currency, placed_at)
  select o."orderId", o.channel, o.store, o.region, o.method, (o.total ->> 'amountMinor')::bigint, o.total ->> 'currency', o."placedAt"
  from json_to_recordset(orders) as o("orderId" text, channel text, store text, region text, method text, total json, "placedAt" timestamptz)
  order by 1 on conflict (order_id) do nothing;

  delete from promise_outcomes o using unnest(given) c
  where c."hasLapsed" and o.build = of_build and o.promise = c.promise and o.subject = c.subject and o.state = 'open';

  with begun as (
    insert into promise_outcomes (build, promise, subject, order_id, channel, store, region, method, scope, minor, currency, started_at,
      due_at, stages, stage, stage_at, ended_at, finished_at, state)
    select of_build, c.promise, c.subject, c."orderId", c.channel, c.store, c.region, c.method, c.scope,
      (c.money ->> 'amountMinor')::bigint, c.money ->> 'currency', c."startedAt", c."dueAt",
      c.moves, c.moves -> -1 ->> 0, (c.moves -> -1 ->> 1)::timestamptz,
      c."endedAt", case when c."endedAt" is not null then least(c."endedAt", c."dueAt") end,
      case when c."endedAt" is null then 'open' when c."endedAt" <= c."dueAt" then 'kept' else 'missed' end
    from unnest(given) c where c."startedAt" is not null
    order by c.promise, c.subject on conflict (build, promise, subject) do nothing
  )
  -- Only those that were there before: a statement does not see the rows that it inserts.
  update promise_outcomes o set
    (stages, stage, stage_at) = (
      select case when count(*) = 0 then o.stages else (coalesce(o.stages::jsonb, '[]') || jsonb_agg(m.move order by m.n))::json end,
        coalesce(jsonb_agg(m.move order by m.n) -> -1 ->> 0, o.stage), coalesce(max((m.move ->> 1)::timestamptz), o.stage_at)
      from jsonb_array_elements(c.moves::jsonb) with ordinality as m(move, n)
      where o.stage_at is null or (m.move ->> 1)::timestamptz > o.stage_at),
    minor = coalesce((c.money ->> 'amountMinor')::bigint, o.minor), currency = coalesce(c.money ->> 'currency', o.currency),
    ended_at = c."endedAt",
    finished_at = case when c."endedAt" is null then o.finished_at else least(c."endedAt", o.due_at) end,
    state = case when c."endedAt" is null then o.state when c."endedAt" <= o.due_at then 'kept' else 'missed' end
  from unnest(given) c
  where o.build = of_build and o.promise = c.promise and o.subject = c.subject and o.ended_at is null
    and (c."endedAt" is not null or (c.moves -> -1 ->> 1)::timestamptz > coalesce(o.stage_at, '-infinity'));

  for one in
    select * from json_to_recordset(oldest) as x(promise text, at timestamptz, money json, "orderId" text, "endedBy" text)
  loop
    update promise_outcomes o set ended_at = one.at, ended_by = one."endedBy",
      minor = coalesce((one.money ->> 'amountMinor')::bigint, o.minor), currency = coalesce(one.money ->> 'currency', o.currency),
      state = case when one.at <= o.due_at then 'kept' else 'missed' end, finished_at = least(one.at, o.due_at)
    where o.build = of_build and o.promise = one.promise and o.subject = (
        select e.subject from promise_outcomes e where e.build = of_build and e.promise = one.promise
          and e.order_id = one."orderId" and e.ended_at is null order by e.started_at, e.subject limit 1)
      and not exists (select from promise_outcomes e where e.build = of_build and e.promise = one.promise
        and e.order_id = one."orderId" and e.ended_by = one."endedBy");
  end loop;
end $$;

-- Marks what was due before a moment and has not come true: the clock, not an event, says so. Returns how many.
create function promises_due(of_build text, until timestamptz, most integer) returns bigint language sql as $$
  with due as (
    select o.build, o.promise, o.subject from promise_outcomes o
    where o.build = of_build and o.state = 'open' and o.due_at < until limit most for update skip locked
  ), marked as (
    update promise_outcomes o set state = 'missed', finished_at = o.due_at from due d
    where o.build = d.build and o.promise = d.promise and o.subject = d.subject returning 1
  )
  select count(*) from marked
$$;

-- Deletes what belongs to promises as nobody declares them any more, and finished outcomes that are old; a step of at most so many rows.
create function forget_promises(current_build text, cutoff timestamptz, most integer) returns bigint language plpgsql as $$
declare
  gone bigint;
begin
  insert into promise_builds (build) values (current_build)
  on conflict (build) do update set seen_at = clock_timestamp() where promise_builds.seen_at < clock_timestamp() - interval '1 minute';
  delete from promise_outcomes o where (o.build, o.promise, o.subject) in (
    select e.build, e.promise, e.subject from promise_builds b join promise_outcomes e on e.build = b.build
    where b.seen_at < clock_timestamp() - interval '1 hour' limit most);
  get diagnostics gone = row_count;
  if gone = 0 then
    delete from subscriptions s using promise_builds b
    where s.name = 'promises ' || b.build and b.seen_at < clock_timestamp() - interval '1 hour';
    delete from promise_builds b where b.seen_at < clock_timestamp() - interval '1 hour';
    delete from promise_outcomes o where (o.build, o.promise, o.subject) in (
      select e.build, e.promise, e.subject from promise_outcomes e
      where e.build = current_build and e.finished_at < cutoff limit most);
    get diagnostics gone = row_count;
    delete from promise_orders p where p.order_id in (
      select q.order_id from promise_orders q where q.placed_at < cutoff order by q.placed_at limit most);
  end if;
  return gone;
end $$;

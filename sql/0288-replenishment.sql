-- The signal to planning: what there is, what comes and what goes, by SKU and place, and which thresholds are crossed.

-- `policies.replenishment.thresholds` of the estate; '' stands for any SKU or place. Of one name, the most specific row counts.
create table stock_thresholds (
  name        text not null,
  sku         text not null default '',
  location_id text not null default '',
  below_milli bigint,
  below_days  double precision,
  -- How far above the threshold there is enough again, as a part of it.
  margin      double precision not null check (margin >= 0),
  -- Whether what is in transit and on order counts, too.
  with_coming boolean not null,
  primary key (name, sku, location_id),
  check ((below_milli is null) <> (below_days is null))
);

-- Positions that are below a threshold: since when, and what was there and what left a day when they fell below it.
create table stock_below (
  name          text not null,
  sku           text not null,
  location_id   text not null,
  since         timestamptz not null,
  milli         bigint not null,
  level_milli   bigint not null,
  milli_per_day double precision not null,
  primary key (name, sku, location_id)
);
create index stock_below_position on stock_below (sku, location_id);
create sequence stock_crossing;

-- When a position last changed, as a number that rises in the order of commits: one process at a time gives it.
create table stock_signals (
  sku         text not null,
  location_id text not null,
  n           bigint not null,
  primary key (sku, location_id)
);
create unique index stock_signals_n on stock_signals (n);
create sequence stock_signal_n;

-- A walk over all positions: after thresholds changed, after notes may have been lost, and from time to time, because demand fades.
create table stock_signal_walk (
  is_only        boolean primary key default true check (is_only),
  -- Of the thresholds.
  digest         text not null default '',
  -- Null: no walk is under way, the next one is due at `due_at`.
  after_sku      text,
  after_location text not null default '',
  -- Whether every position counts as changed.
  is_whole       boolean not null default true,
  due_at         timestamptz not null default '-infinity'
);
insert into stock_signal_walk default values;

-- What there is, what comes and what goes, in the order asked. Everything is found by key.
create function stock_signal_facts(skus text[], locations text[])
returns table (ordinal bigint, sku text, location_id text, is_known boolean, on_hand_milli bigint, reserved_milli bigint,
  in_transit_milli bigint, on_order_milli bigint, counter_milli_per_day double precision, order_milli_per_day double precision)
language sql stable as $$
  select q.ordinal, q.sku, q.location_id, p.sku is not null, coalesce(p.on_hand_milli, 0), coalesce(p.reserved_milli, 0),
    greatest(coalesce(t.on_hand_milli, 0), 0), coalesce(o.milli, 0)::bigint,
    coalesce(24000 * d.units * stock_weight(d.hour, now()) / stock_weighed_hours(d.since, now()), 0),
    coalesce(24000 * e.units * stock_weight(e.hour, now()) / stock_weighed_hours(e.since, now()), 0)
  from unnest(skus, locations) with ordinality as q(sku, location_id, ordinal)
  left join stock_positions p on p.sku = q.sku and p.location_id = q.location_id
  left join stock_positions t on t.sku = q.sku and t.location_id = q.location_id || '/in-transit'
  left join stock_demand d on d.sku = q.sku and d.location_id = q.location_id
  left join stock_order_demand e on e.sku = q.sku and e.location_id = q.location_id
  left join lateral (select sum(x.milli) as milli from stock_on_order x
    where x.sku = q.sku and x.location_id = q.location_id) o on true
$$;

-- Looks at positions, each once: gives those that changed their number, and crosses thresholds. `is_changed`: they did change; otherwise
-- only those without a number and those that cross a threshold get one. The caller is alone (lock 7107).
create function stock_cross(skus text[], locations text[], names text[], is_changed boolean)
returns table (crossing bigint, name text, sku text, location_id text, is_below boolean, milli bigint, level_milli bigint,
  milli_per_day double precision)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
    with rule as materialized (
      select t.name, f.sku, f.location_id, t.margin, f.counter_milli_per_day + f.order_milli_per_day as per_day,
        f.on_hand_milli - f.reserved_milli
          + case when t.with_coming then f.in_transit_milli + f.on_order_milli else 0 end as milli,
        coalesce(t.below_milli, round(t.below_days * (f.counter_milli_per_day + f.order_milli_per_day))::bigint) as level_milli
      from stock_signal_facts(skus, locations) f cross join unnest(names) as n(name)
      cross join lateral (
        select k.* from stock_thresholds k where k.name = n.name and k.sku in (f.sku, '') and k.location_id in (f.location_id, '')
        order by k.sku <> '' desc, k.location_id <> '' desc limit 1) t
      where f.is_known
    ), fell as (
      insert into stock_below (name, sku, location_id, since, milli, level_milli, milli_per_day)
        select r.name, r.sku, r.location_id, now(), r.milli, r.level_milli, r.per_day
        from rule r where r.milli < r.level_milli order by 1, 2, 3
      on conflict do nothing returning name, sku, location_id, milli, level_milli, milli_per_day
    ), rose as (
      delete from stock_below b using rule r
      where b.name = r.name and b.sku = r.sku and b.location_id = r.location_id and r.milli >= r.level_milli * (1 + r.margin)
      returning b.name, b.sku, b.location_id, r.milli, r.level_milli, r.per_day
    ), crossed as materialized (
      select f.*, true as is_below from fell f union all select r.*, false from rose r
    ), numbered as (
      insert into stock_signals (sku, location_id, n)
        select x.sku, x.location_id, nextval('stock_signal_n') from (
          select q.sku, q.location_id from unnest(skus, locations) as q(sku, location_id)
          where is_changed or not exists (select from stock_signals s where s.sku = q.sku and s.location_id = q.location_id)
          union select c.sku, c.location_id from crossed c) x
      on conflict (sku, location_id) do update set n = excluded.n
    )
    select nextval('stock_crossing'), c.name, c.sku, c.location_id, c.is_below, c.milli, c.level_milli, c.milli_per_day
    from crossed c;
end $$;

-- Takes notes of changed positions away, each position once. What is noted later is looked at later.
create function stock_take_signals(most integer) returns table (sku text, location_id text) language sql as $$
  with taken as (
    delete from stock_signal_notes c where c.ctid = any (array(select x.ctid from stock_signal_notes x limit most))
    returning c.sku, c.location_id
  )
  select distinct t.sku, t.location_id from taken t
$$;

-- The next positions of a walk, behind one.
create function stock_signal_page(behind_sku text, behind_location text, most integer)
returns table (sku text, location_id text) language sql stable as $$
  select p.sku, p.location_id from stock_positions p
  where (p.sku, p.location_id) > (behind_sku, behind_location) and p.location_id not like '%/%'
  order by p.sku, p.location_id limit most
$$;

-- Makes sure that changes are noted. False: they are not yet, for changes that began before may still be under way; once they are, a walk
-- over everything begins.
create function stock_signals_watched() returns boolean language plpgsql as $$
declare
  row stock_signal_watch;
begin
  select * into row from stock_signal_watch w;
  if not found then
    insert into stock_signal_watch default values on conflict do nothing;
    update stock_signal_walk set after_sku = '', after_location = '', is_whole = true;
    return false;
  end if;
  if row.since is null then
    update stock_signal_watch set since = pg_current_xact_id() where since is null;
    return false;
  end if;
  return pg_snapshot_xmin(pg_current_snapshot()) > row.since;
end $$;

-- Replaces the thresholds, and has every position looked at where they are others than before.
create function set_stock_thresholds(input json, of_digest text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7107, 0);
  if (select w.digest from stock_signal_walk w) = of_digest then return; end if;
  delete from stock_thresholds;
  insert into stock_thresholds
    select t.* from json_to_recordset(input) as t(name text, sku text, location_id text, below_milli bigint,
      below_days double precision, margin double precision, with_coming boolean);
  delete from stock_below b where not exists (select from stock_thresholds t
    where t.name = b.name and t.sku in (b.sku, '') and t.location_id in (b.location_id, ''));
  update stock_signal_walk set digest = of_digest, after_sku = '', after_location = '';
end $$;

-- What is on order of a SKU at a place; days that are over before `at` are overdue.
create function stock_on_order_of(of_sku text, of_location text, at timestamptz)
returns table (milli bigint, announced_milli bigint, overdue_milli bigint, next_on text, expected json) language sql stable as $$
  select coalesce(sum(o.milli), 0)::bigint, coalesce(sum(o.milli) filter (where o.is_announced), 0)::bigint,
    coalesce(sum(o.milli) filter (where o.expected_on < (at at time zone 'UTC')::date), 0)::bigint,
    (min(o.expected_on) filter (where o.expected_on >= (at at time zone 'UTC')::date))::text,
    (select json_agg(json_build_object('order', x.order_id, 'on', x.expected_on, 'milli', x.milli, 'is_announced', x.is_announced)
        order by x.expected_on nulls last, x.order_id, x.n)
      from (select * from stock_on_order y where y.sku = of_sku and y.location_id = of_location
        order by y.expected_on nulls last, y.order_id, y.n limit 20) x)
  from stock_on_order o where o.sku = of_sku and o.location_id = of_location
$$;

-- Days from order to last receipt, of the newest lines that are complete.
create function stock_lead_time_of(of_sku text, of_location text)
returns table (lines integer, median double precision, p90 double precision) language sql stable as $$
  select count(*)::integer, percentile_cont(0.5) within group (order by d.days), percentile_cont(0.9) within group (order by d.days)
  from (
    select extract(epoch from l.done_at - o.placed_at)::double precision / 86400 as days
    from purchase_order_lines l join purchase_orders o on o.order_id = l.order_id
    where l.sku = of_sku and l.location_id = of_location and l.done_at > now() - interval '2 years' and l.done_at >= o.placed_at
    order by l.done_at desc limit 100
  ) d
$$;

-- The positions of a page: by change, below a threshold, or all by SKU and place. What is on order counts where nothing ever lay, too.
create function stock_signal_keys(of_sku text, places text[], threshold text, since bigint, after_sku text, after_location text, most integer)
returns table (ordinal bigint, sku text, location_id text, n bigint) language plpgsql stable set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  if since is not null then
    return query select row_number() over (order by s.n), s.sku, s.location_id, s.n from (
      select * from stock_signals x where x.n > since and (of_sku is null or x.sku = of_sku)
        and (places is null or x.location_id = any (places))
        and (threshold is null or exists (select from stock_below b where b.name = threshold and b.sku = x.sku and b.location_id = x.location_id))
      order by x.n limit most) s;
  elsif threshold is not null then
    return query select row_number() over (order by s.sku, s.location_id), s.sku, s.location_id, 0::bigint from (
      select b.sku, b.location_id from stock_below b where b.name = threshold and (b.sku, b.location_id) > (after_sku, after_location)
        and (of_sku is null or b.sku = of_sku) and (places is null or b.location_id = any (places))
      order by b.sku, b.location_id limit most) s;
  elsif places is not null then
    return query select row_number() over (order by s.sku, s.location_id), s.sku, s.location_id, 0::bigint from (
      select x.sku, x.location_id from unnest(places) as q(place) cross join lateral (
        (select p.sku, p.location_id from stock_positions p
          where p.location_id = q.place and (of_sku is null or p.sku = of_sku)
            and (p.sku > after_sku or p.sku = after_sku and p.location_id > after_location)
            and p.sku >= after_sku
          order by p.sku limit most)
        union
        (select distinct o.sku, o.location_id from stock_on_order o
          where o.location_id = q.place and (of_sku is null or o.sku = of_sku)
            and (o.sku > after_sku or o.sku = after_sku and o.location_id > after_location)
            and o.sku >= after_sku
          order by 1 limit most)) x
      order by x.sku, x.location_id limit most) s;
  else
    return query select row_number() over (order by s.sku, s.location_id), s.sku, s.location_id, 0::bigint from (
      (select p.sku, p.location_id from stock_positions p
        where (p.sku, p.location_id) > (after_sku, after_location) and p.location_id not like '%/%'
          and (of_sku is null or p.sku = of_sku)
        order by p.sku, p.location_id limit most)
      union
      (select distinct o.sku, o.location_id from stock_on_order o
        where (o.sku, o.location_id) > (after_sku, after_location) and (of_sku is null or o.sku = of_sku)
        order by 1, 2 limit most)
      order by 1, 2 limit most) s;
  end if;
end $$;

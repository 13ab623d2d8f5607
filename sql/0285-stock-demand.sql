-- How fast goods sell where only the source sees it: over the counter, and through channels that are not ours. Learnt from the ledger
-- as it grows. A position that never sold so has no row, and hours of the week are kept per place and not per article: a million
-- articles with 168 hours each would be more rows than there are sales.

create table stock_demand (
  sku         text not null,
  location_id text not null,
  -- Units sold, and the sum of the squares of the units of each hour; both weigh less the older they are, as of `hour`.
  units       double precision not null,
  squares     double precision not null,
  -- The last hour something was sold in, and what was.
  hour        timestamptz not null,
  hour_units  double precision not null,
  -- Since when the position is known: what did not sell since then counts, too.
  since       timestamptz not null,
  primary key (sku, location_id)
) with (fillfactor = 80);

-- How fast goods leave for orders of ours, in the same weights. Buffers do not ask it, because those are reserved; planning does.
create table stock_order_demand (
  sku         text not null,
  location_id text not null,
  units       double precision not null,
  -- As of when `units` are weighed: the last hour something left.
  hour        timestamptz not null,
  since       timestamptz not null,
  primary key (sku, location_id)
) with (fillfactor = 80);

create table stock_hours (
  location_id  text not null,
  hour_of_week smallint not null check (hour_of_week between 0 and 167),
  units        double precision not null,
  primary key (location_id, hour_of_week)
);

-- Up to where the ledger is counted.
create table stock_demand_upto (
  is_only boolean primary key default true check (is_only),
  upto    timestamptz not null
);
insert into stock_demand_upto (upto) values ('-infinity');

-- The weight that what was sold keeps after a time: half of it after four weeks.
create function stock_weight(since timestamptz, until timestamptz) returns double precision language sql immutable as $$
  select power(0.5, greatest(extract(epoch from until - since), 0)::double precision / 2419200)
$$;

-- Hours over which units were weighed, the older ones less; at least a day, so that one sale of a new article is no rush.
create function stock_weighed_hours(since timestamptz, until timestamptz) returns double precision language sql immutable as $$
  select greatest(672 / ln(2) * (1 - stock_weight(since, until)), 24)
$$;

-- Counts what the ledger took in since the last time, up to a moment that no transaction under way is older than. Returns how many
-- bookings were demand. A fall between two counts is demand that the source alone saw: it is spread over the time between them, and
-- tells nothing of hours or bursts when that time is longer than one.
create function stock_fold_demand(until timestamptz) returns bigint language plpgsql as $$
declare
  start timestamptz;
  slot timestamptz;
  skus text[];
  locations text[];
  hours timestamptz[];
  units double precision[];
  hourly boolean[];
begin
  select d.upto into start from stock_demand_upto d for update skip locked;
  if start is null or start >= until then return 0; end if;

  select array_agg(x.sku), array_agg(x.location_id), array_agg(x.hour), array_agg(x.units), array_agg(x.is_hourly)
  into skus, locations, hours, units, hourly
  from (
    select l.sku, l.location_id, date_trunc('hour', l.occurred_at) as hour, sum(-l.delta_milli)::double precision / 1000 as units,
      bool_and(l.kind <> 'count' or before.occurred_at > l.occurred_at - interval '1 hour') as is_hourly
    from stock_ledger l
    left join lateral (select k.occurred_at from stock_ledger k where l.kind = 'count' and k.sku = l.sku
        and k.location_id = l.location_id and k.occurred_at < l.occurred_at order by k.occurred_at desc limit 1) before on true
    where l.recorded_at > start and l.recorded_at <= until and l.delta_milli < 0
      and (l.kind in ('sale', 'pick') and l.reservation_key is null or l.kind = 'count' and before.occurred_at is not null)
    group by 1, 2, 3
  ) x;

  for slot in select distinct h from unnest(hours) h order by 1 loop
    insert into stock_demand as d (sku, location_id, units, squares, hour, hour_units, since)
      select s.sku, s.location_id, s.units, case when s.is_hourly then s.units * s.units else s.units end, s.hour,
        case when s.is_hourly then s.units else 0 end,
        (select min(k.occurred_at) from stock_ledger k where k.sku = s.sku and k.location_id = s.location_id)
      from unnest(skus, locations, hours, units, hourly) as s(sku, location_id, hour, units, is_hourly)
      where s.hour = slot order by s.sku, s.location_id
    on conflict (sku, location_id) do update set
      -- What comes late weighs as little as if it had come in time.
      units = d.units * stock_weight(d.hour, excluded.hour) + excluded.units * stock_weight(excluded.hour, d.hour),
      squares = d.squares * stock_weight(d.hour, excluded.hour) + excluded.squares * stock_weight(excluded.hour, d.hour)
        + case when d.hour = excluded.hour then 2 * d.hour_units * excluded.hour_units else 0 end,
      hour_units = case when d.hour = excluded.hour then d.hour_units + excluded.hour_units
        when d.hour < excluded.hour then excluded.hour_units else d.hour_units end,
      hour = greatest(d.hour, excluded.hour);
  end loop;

  insert into stock_hours as h (location_id, hour_of_week, units)
    select s.location_id, ((extract(epoch from s.hour)::bigint / 3600 - 96) % 168 + 168) % 168, sum(s.units)
    from unnest(locations, hours, units, hourly) as s(location_id, hour, units, is_hourly)
    where s.is_hourly group by 1, 2 order by 1, 2
  on conflict (location_id, hour_of_week) do update set units = h.units + excluded.units;

  insert into stock_order_demand as d (sku, location_id, units, hour, since)
    select x.sku, x.location_id, sum(x.units * stock_weight(x.hour, x.last)), max(x.last),
      (select min(k.occurred_at) from stock_ledger k where k.sku = x.sku and k.location_id = x.location_id)
    from (select l.sku, l.location_id, -l.delta_milli::double precision / 1000 as units, date_trunc('hour', l.occurred_at) as hour,
            max(date_trunc('hour', l.occurred_at)) over (partition by l.sku, l.location_id) as last
          from stock_ledger l
          where l.recorded_at > start and l.recorded_at <= until and l.delta_milli < 0
            and (l.kind = 'shipment' or l.kind in ('sale', 'pick') and l.reservation_key is not null)) x
    group by x.sku, x.location_id order by 1, 2
  on conflict (sku, location_id) do update set
    units = d.units * stock_weight(d.hour, excluded.hour) + excluded.units * stock_weight(excluded.hour, d.hour),
    hour = greatest(d.hour, excluded.hour);
  update stock_demand_upto set upto = until;
  return coalesce(cardinality(skus), 0);
end $$;

-- Up to when what sells at a position is known, in epoch milliseconds: its source was heard, or it was counted by itself.
-- Stable, as extract of a timestamptz is: declared stricter it would be called for each position instead of becoming part of the query.
create function stock_heard_ms(heard_at timestamptz, counted_at timestamptz) returns double precision
language sql stable as $$
  select case when heard_at is null then null
    else extract(epoch from greatest(heard_at, counted_at))::double precision * 1000 end
$$;

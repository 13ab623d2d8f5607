-- One text column of a batch: its values joined by the ASCII unit separator. One empty value is a value, not none.
create function stock_split(joined text) returns text[] language sql immutable strict as $$
  select case when joined = '' then array[''] else string_to_array(joined, chr(31)) end
$$;

-- Decides a batch of reservation requests in order of arrival. Requests that are granted get no row in the answer;
-- every other one gets its reason: 'short' (one row per resource), or what the same key was before:
-- 'held', 'consumed', 'released', 'expired', 'reused' (the key asked for something else).
-- `line_floors` is what has to stay free besides, because sources may have sold it; null when nothing has.
-- Within one call keys must differ and a request's lines must be summed per (sku, location).
--
-- A batch that seems to fit is written before the SKUs are locked, so that the lock is held for two updates and the commit
-- only and batches of one SKU overlap. Under the lock it is judged again; when it no longer fits, all of it is rolled back
-- with serialization_failure and the caller asks again with is_careful, which locks first. A key that was used before shows
-- as a unique violation unless checks_keys is set, which costs an index look-up a request; that, too, is asked again.
create function stock_reserve(
  keys text[], owners text[], channels text[], kinds text[], expiries timestamptz[], digests uuid[],
  keeps_safety boolean[],
  line_requests int[], line_skus text[], line_locations text[], line_millis bigint[], line_floors bigint[],
  checks_keys boolean, is_careful boolean
) returns table (request int, outcome text, sku text, location_id text, missing_milli bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  is_granted boolean[] := array_fill(true, array[cardinality(keys)]);
  has_located boolean := exists (select from unnest(line_locations) as l(location_id) where l.location_id <> '');
  known record;
begin
  if cardinality(keys) > 1023 then raise exception 'at most 1023 requests in one batch, not %', cardinality(keys); end if;

  if is_careful then perform stock_lock_known(line_skus); end if;
  if checks_keys then
    for known in
      select k.ordinal::int as request, r.state, r.digest is not null and r.digest <> k.digest as is_other
      from unnest(keys, digests) with ordinality as k(key, digest, ordinal)
      join stock_reservations r on r.key = k.key
    loop
      is_granted[known.request] := false;
      request := known.request;
      outcome := case when known.is_other then 'reused' else known.state end;
      return next;
    end loop;
  end if;

  if not stock_fits(is_granted, has_located, line_requests, line_skus, line_locations, line_millis, line_floors) then
    if not is_careful then
      raise exception 'the batch does not fit as a whole' using errcode = 'serialization_failure';
    end if;
    for known in
      select * from stock_admit(is_granted, keeps_safety, line_requests, line_skus, line_locations, line_millis, line_floors)
    loop
      is_granted[known.request] := false;
      request := known.request;
      outcome := 'short';
      sku := known.sku;
      location_id := known.location_id;
      missing_milli := known.missing_milli;
      return next;
    end loop;
  end if;

  if not (true = any (is_granted)) then return; end if;
  perform stock_write_granted(is_granted, keys, owners, channels, kinds, expiries, digests,
    line_requests, line_skus, line_locations, line_millis);
  if not is_careful then
    perform stock_lock_known(line_skus);
    if not stock_fits(is_granted, has_located, line_requests, line_skus, line_locations, line_millis, line_floors) then
      raise exception 'another batch took what this one needs' using errcode = 'serialization_failure';
    end if;
  end if;
  perform stock_take_granted(is_granted, has_located, line_requests, line_skus, line_locations, line_millis);
end $$;

-- Locks the SKUs that exist, in their order.
create function stock_lock_known(for_skus text[]) returns void language sql as $$
  select from stock_skus s
    where s.sku = any (array(select distinct l.sku from unnest(for_skus) as l(sku)))
    order by s.sku for update
$$;

-- Whether everything granted so far fits at once: in the pool of each SKU beside its safety stock, and at the location when
-- the line names one.
create function stock_fits(
  is_granted boolean[], has_located boolean,
  line_requests int[], line_skus text[], line_locations text[], line_millis bigint[], line_floors bigint[]
) returns boolean language plpgsql as $$
declare
  fits boolean;
begin
  select coalesce(bool_and(d.milli <= coalesce(s.on_hand_milli - s.reserved_milli - s.safety_stock_milli
                                               + s.backorder_limit_milli, 0)), true)
  into fits
  from (select l.sku, sum(l.milli) + coalesce(max(l.floor), 0) as milli
        from unnest(line_requests, line_skus, line_millis, line_floors) as l(request, sku, milli, floor)
        where is_granted[l.request] group by l.sku) d
  left join stock_skus s on s.sku = d.sku;
  if not fits or not has_located then return fits; end if;

  select coalesce(bool_and(d.milli <= coalesce(p.on_hand_milli - p.reserved_milli + s.backorder_limit_milli, 0)), true)
  into fits
  from (select l.sku, l.location_id, sum(l.milli) + coalesce(max(l.floor), 0) as milli
        from unnest(line_requests, line_skus, line_locations, line_millis, line_floors)
          as l(request, sku, location_id, milli, floor)
        where is_granted[l.request] and l.location_id <> '' group by l.sku, l.location_id) d
  left join stock_positions p on p.sku = d.sku and p.location_id = d.location_id
  left join stock_skus s on s.sku = d.sku;
  return fits;
end $$;

-- Writes the reservations of what is granted, sorted by key, so that two batches with the same keys wait in one order.
create function stock_write_granted(
  is_granted boolean[],
  keys text[], owners text[], channels text[], kinds text[], expiries timestamptz[], digests uuid[],
  line_requests int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns void language plpgsql as $$
declare
  first_id bigint := nextval('stock_reservation_block') * 1024;
begin
  insert into stock_reservations (key, id, owner, channel, kind, digest, expires_at)
    select r.key, first_id + r.ordinal, r.owner, nullif(r.channel, ''), r.kind, r.digest, nullif(r.expires_at, 'infinity')
    from unnest(keys, owners, channels, kinds, digests, expiries)
      with ordinality as r(key, owner, channel, kind, digest, expires_at, ordinal)
    where is_granted[r.ordinal] order by r.key collate "C";

  insert into stock_reservation_lines (reservation_id, sku, location_id, held_milli)
    select first_id + l.request, l.sku, l.location_id, l.milli
    from unnest(line_requests, line_skus, line_locations, line_millis) as l(request, sku, location_id, milli)
    where is_granted[l.request];
end $$;

-- Adds what is granted to the running sums; the caller holds the SKUs.
create function stock_take_granted(
  is_granted boolean[], has_located boolean,
  line_requests int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns void language plpgsql as $$
begin
  perform stock_note_changes(array(select l.sku from unnest(line_requests, line_skus) as l(request, sku) where is_granted[l.request]));
  if not has_located then
    update stock_skus s
      set reserved_milli = s.reserved_milli + d.milli, version = s.version + 1
      from (select l.sku, sum(l.milli) as milli
            from unnest(line_requests, line_skus, line_millis) as l(request, sku, milli)
            where is_granted[l.request] group by l.sku) d
      where s.sku = d.sku;
    return;
  end if;

  perform snapshot_note(array_agg(l.location_id), 'stock', array_agg(l.sku))
    from unnest(line_requests, line_skus, line_locations) as l(request, sku, location_id)
    where is_granted[l.request] and l.location_id <> '';
  update stock_positions p
    set reserved_milli = p.reserved_milli + d.milli, version = p.version + 1
    from (select l.sku, l.location_id, sum(l.milli) as milli
          from unnest(line_requests, line_skus, line_locations, line_millis) as l(request, sku, location_id, milli)
          where is_granted[l.request] and l.location_id <> '' group by l.sku, l.location_id) d
    where p.sku = d.sku and p.location_id = d.location_id;

  update stock_skus s
    set reserved_milli = s.reserved_milli + d.milli, version = s.version + 1
    from (select l.sku, sum(l.milli) as milli
          from unnest(line_requests, line_skus, line_locations, line_millis) as l(request, sku, location_id, milli)
          left join stock_positions p on l.location_id <> '' and p.sku = l.sku and p.location_id = l.location_id
          where is_granted[l.request] and coalesce(p.is_pooled, true) group by l.sku) d
    where s.sku = d.sku;
end $$;

-- The greedy pass for a batch that does not fit as a whole: in order of arrival each request is taken if it still fits,
-- so a large one that does not fit never refuses a small one behind it. Answers the refused ones and what they lack.
create function stock_admit(
  is_open boolean[], keeps_safety boolean[],
  line_requests int[], line_skus text[], line_locations text[], line_millis bigint[], line_floors bigint[]
) returns table (request int, sku text, location_id text, missing_milli bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  skus text[];
  locations text[];
  free_milli bigint[];
  safety_milli bigint[];
  draw_requests int[];
  draw_resources int[];
  draw_millis bigint[];
  draw_floors bigint[];
  draw_count int;
  start int := 1;
  stop int;
  is_short boolean;
  floor_milli bigint;
  resource int;
begin
  with line as materialized (
    select l.request, l.sku, l.location_id, l.milli, coalesce(l.floor, 0) as floor, coalesce(p.is_pooled, true) as is_pooled
    from unnest(line_requests, line_skus, line_locations, line_millis, line_floors)
      as l(request, sku, location_id, milli, floor)
    left join stock_positions p on l.location_id <> '' and p.sku = l.sku and p.location_id = l.location_id
    where is_open[l.request]
  ), draw as materialized (
    select d.request, d.sku, d.location_id, sum(d.milli)::bigint as milli, max(d.floor) as floor
    from (select request, sku, location_id, milli, floor from line where location_id <> ''
          union all select request, sku, '', milli, floor from line where is_pooled) d
    group by d.request, d.sku, d.location_id
  ), resource as materialized (
    select r.sku, r.location_id, row_number() over (order by r.sku, r.location_id)::int as ordinal
    from (select distinct sku, location_id from draw) r
  ), stock as (
    select r.ordinal, r.sku, r.location_id,
      case when r.location_id = '' then coalesce(s.on_hand_milli - s.reserved_milli + s.backorder_limit_milli, 0)
           else coalesce(p.on_hand_milli - p.reserved_milli + s.backorder_limit_milli, 0) end as free_milli,
      case when r.location_id = '' then coalesce(s.safety_stock_milli, 0) else 0 end as safety_milli
    from resource r
    left join stock_skus s on s.sku = r.sku
    left join stock_positions p on p.sku = r.sku and p.location_id = r.location_id
  ), drawn as (
    select d.request, r.ordinal, d.milli, d.floor from draw d join resource r on r.sku = d.sku and r.location_id = d.location_id
  )
  select s.skus, s.locations, s.free_milli, s.safety_milli, d.requests, d.resources, d.millis, d.floors
  into skus, locations, free_milli, safety_milli, draw_requests, draw_resources, draw_millis, draw_floors
  from (select array_agg(sku order by ordinal) as skus, array_agg(location_id order by ordinal) as locations,
          array_agg(free_milli order by ordinal) as free_milli,
          array_agg(safety_milli order by ordinal) as safety_milli from stock) s,
       (select array_agg(request order by request, ordinal) as requests,
          array_agg(ordinal order by request, ordinal) as resources,
          array_agg(milli order by request, ordinal) as millis,
          array_agg(floor order by request, ordinal) as floors from drawn) d;

  draw_count := coalesce(cardinality(draw_requests), 0);
  while start <= draw_count loop
    stop := start;
    is_short := false;
    while stop <= draw_count and draw_requests[stop] = draw_requests[start] loop
      resource := draw_resources[stop];
      floor_milli := case when keeps_safety[draw_requests[stop]] then safety_milli[resource] else 0 end + draw_floors[stop];
      if draw_millis[stop] > free_milli[resource] - floor_milli then
        is_short := true;
        request := draw_requests[stop];
        sku := skus[resource];
        location_id := locations[resource];
        missing_milli := draw_millis[stop] - greatest(free_milli[resource] - floor_milli, 0);
        return next;
      end if;
      stop := stop + 1;
    end loop;
    if not is_short then
      for i in start .. stop - 1 loop
        free_milli[draw_resources[i]] := free_milli[draw_resources[i]] - draw_millis[i];
      end loop;
    end if;
    start := stop;
  end loop;
end $$;

-- Applies a batch of changes to reservations in order and answers one object each, in the same order.
-- Ops: release, expire, confirm, allocate, consume.
create function stock_change(changes jsonb) returns jsonb language plpgsql as $$
declare
  change jsonb;
  answer jsonb;
  answers jsonb[] := '{}';
begin
  perform stock_lock(array(
    select l.sku from jsonb_array_elements(changes) c
      join stock_reservations r on r.key = c ->> 'key'
      join stock_reservation_lines l on l.reservation_id = r.id
    union
    select x ->> 'sku' from jsonb_array_elements(changes) c, jsonb_array_elements(c -> 'lines') x));
  for change in select * from jsonb_array_elements(changes) loop
    case change ->> 'op'
      when 'release', 'expire' then answer := stock_release(change);
      when 'confirm' then answer := stock_confirm(change);
      when 'allocate' then answer := stock_allocate(change);
      when 'consume' then answer := stock_consume(change);
    end case;
    answers := answers || answer;
  end loop;
  return to_jsonb(answers);
end $$;

-- Ends a reservation that holds nothing any more. Anything consumed makes it consumed, whatever became of the rest.
create function stock_settle(for_key text, end_state text, reason text) returns void language sql as $$
  update stock_reservations r
    set state = case when t.consumed > 0 then 'consumed' else end_state end,
        ended_at = clock_timestamp(), end_reason = reason, expires_at = null
    from (select coalesce(sum(l.held_milli), 0) as held, coalesce(sum(l.consumed_milli), 0) as consumed
          from stock_reservation_lines l join stock_reservations x on x.id = l.reservation_id
          where x.key = for_key) t
    where r.key = for_key and r.state = 'held' and t.held = 0
$$;

-- Gives back what is still held, never what was consumed. A key nobody reserved yet is marked as released, so that a
-- reservation that was under way when its undo ran cannot come back to life.
create function stock_release(change jsonb) returns jsonb language plpgsql as $$
declare
  reservation stock_reservations;
  line record;
  given_back bigint := 0;
begin
  if change ->> 'op' = 'release' then
    insert into stock_reservations (key, id, owner, kind, state, end_reason, ended_at)
      values (change ->> 'key', 0, '', 'hard', 'released', change ->> 'reason', now())
      on conflict (key) do nothing;
    if found then return jsonb_build_object('outcome', 'unknown', 'releasedMilli', 0); end if;
  end if;
  select * into reservation from stock_reservations r where r.key = change ->> 'key' for update;
  if reservation.key is null then return jsonb_build_object('outcome', 'unknown', 'releasedMilli', 0); end if;
  if reservation.state <> 'held' then
    return jsonb_build_object('outcome', 'ended', 'state', reservation.state, 'releasedMilli', 0);
  end if;
  if change ->> 'op' = 'expire' and (reservation.expires_at is null or reservation.expires_at > clock_timestamp()) then
    return jsonb_build_object('outcome', 'kept', 'releasedMilli', 0);
  end if;
  for line in
    update stock_reservation_lines l
      set held_milli = 0, released_milli = l.released_milli + before.held_milli
      from stock_reservation_lines before
      where l.reservation_id = reservation.id and l.held_milli > 0 and before.reservation_id = l.reservation_id
        and before.sku = l.sku and before.location_id = l.location_id
      returning l.sku, l.location_id, before.held_milli as milli
  loop
    perform stock_move(line.sku, line.location_id, 0, -line.milli, false);
    given_back := given_back + line.milli;
  end loop;
  perform stock_settle(reservation.key, case change ->> 'op' when 'expire' then 'expired' else 'released' end,
    change ->> 'reason');
  return jsonb_build_object('outcome', 'released', 'releasedMilli', given_back);
end $$;

-- Makes a soft hold hard: it no longer expires.
create function stock_confirm(change jsonb) returns jsonb language plpgsql as $$
declare
  reservation stock_reservations;
begin
  select * into reservation from stock_reservations r where r.key = change ->> 'key' for update;
  if reservation.key is null then return jsonb_build_object('outcome', 'unknown'); end if;
  if reservation.state <> 'held' then
    return jsonb_build_object('outcome', 'ended', 'state', reservation.state);
  end if;
  update stock_reservations r set kind = 'hard', expires_at = null where r.key = reservation.key and r.kind = 'soft';
  return jsonb_build_object('outcome', 'confirmed');
end $$;

-- The lines of a change, summed by SKU and location.
create function stock_change_lines(change jsonb) returns table (sku text, location_id text, milli bigint)
language sql immutable as $$
  select x.sku, coalesce(x."locationId", ''), sum(x.milli)::bigint
  from jsonb_to_recordset(change -> 'lines') as x(sku text, "locationId" text, milli bigint)
  group by 1, 2
$$;

-- Places a reservation: `lines` say how much of each SKU each location answers for in all, consumed units included, so
-- the same call twice is one and another call moves it. Only SKUs that are named move; what their lines leave over goes
-- to the pool. A placed reservation is hard.
create function stock_allocate(change jsonb) returns jsonb language plpgsql as $$
declare
  reservation stock_reservations;
  skus text[];
  locations text[];
  changes bigint[];
  shortage jsonb;
begin
  select * into reservation from stock_reservations r where r.key = change ->> 'key' for update;
  if reservation.key is null then return jsonb_build_object('outcome', 'unknown'); end if;
  if reservation.state <> 'held' then
    return jsonb_build_object('outcome', 'ended', 'state', reservation.state);
  end if;

  -- What leaves a place comes first, and the pool gives before it takes, so that no sum is ever claimed twice.
  with asked as materialized (select x.sku, x.location_id, x.milli from stock_change_lines(change) x
  ), held as materialized (
    select l.sku, l.location_id, l.held_milli, l.consumed_milli from stock_reservation_lines l
    where l.reservation_id = reservation.id and l.location_id <> '' and l.sku in (select a.sku from asked a)
  ), moved as materialized (
    select coalesce(a.sku, h.sku) as sku, coalesce(a.location_id, h.location_id) as location_id,
      greatest(coalesce(a.milli, 0) - coalesce(h.consumed_milli, 0), 0) - coalesce(h.held_milli, 0) as milli
    from asked a full join held h on h.sku = a.sku and h.location_id = a.location_id
  ), every as (
    select m.sku, m.location_id, m.milli from moved m
    union all select m.sku, '', -sum(m.milli)::bigint from moved m group by m.sku
  )
  select array_agg(e.sku order by e.sku, e.milli), array_agg(e.location_id order by e.sku, e.milli),
    array_agg(e.milli order by e.sku, e.milli)
  into skus, locations, changes from every e where e.milli <> 0;

  if skus is not null then
    select jsonb_agg(jsonb_build_object('sku', e.sku, 'locationId', '', 'missingMilli', -e.milli - coalesce(l.held_milli, 0)))
    into shortage
    from unnest(skus, locations, changes) as e(sku, location_id, milli)
    left join stock_reservation_lines l
      on l.reservation_id = reservation.id and l.sku = e.sku and l.location_id = e.location_id
    where e.location_id = '' and -e.milli > coalesce(l.held_milli, 0);
    if shortage is not null then return jsonb_build_object('outcome', 'exceeds', 'short', shortage); end if;

    shortage := stock_placement_shortage(skus, locations, changes);
    if shortage <> '[]' then return jsonb_build_object('outcome', 'short', 'short', shortage); end if;

    perform stock_place(reservation.id, skus, locations, changes);
  end if;
  update stock_reservations r set kind = 'hard', expires_at = null where r.key = reservation.key and r.kind = 'soft';
  return jsonb_build_object('outcome', 'allocated');
end $$;

-- What a placement lacks per location, and in the pool when units come back from a location outside it. Changes of one
-- SKU must stand together.
create function stock_placement_shortage(skus text[], locations text[], changes bigint[]) returns jsonb
language plpgsql as $$
declare
  shortage jsonb := '[]';
  place record;
  pool_change bigint := 0;
begin
  for i in 1 .. cardinality(skus) loop
    if locations[i] = '' then
      pool_change := pool_change + changes[i];
    else
      perform stock_ensure(skus[i], locations[i]);
      select p.is_pooled, p.on_hand_milli - p.reserved_milli + s.backorder_limit_milli as free_milli into strict place
        from stock_positions p, stock_skus s
        where p.sku = skus[i] and p.location_id = locations[i] and s.sku = skus[i];
      if place.is_pooled then pool_change := pool_change + changes[i]; end if;
      if changes[i] > greatest(place.free_milli, 0) then
        shortage := shortage || jsonb_build_object('sku', skus[i], 'locationId', locations[i],
          'missingMilli', changes[i] - greatest(place.free_milli, 0));
      end if;
    end if;
    if i = cardinality(skus) or skus[i + 1] <> skus[i] then
      select s.on_hand_milli - s.reserved_milli + s.backorder_limit_milli as free_milli into strict place
        from stock_skus s where s.sku = skus[i];
      if pool_change > greatest(place.free_milli, 0) then
        shortage := shortage || jsonb_build_object('sku', skus[i], 'locationId', '',
          'missingMilli', pool_change - greatest(place.free_milli, 0));
      end if;
      pool_change := 0;
    end if;
  end loop;
  return shortage;
end $$;

-- Moves what a reservation holds between places: its lines, the positions, and per SKU what the pool gains or loses by it.
-- A decision: the excess limits stay, so a wrong one fails on their checks.
create function stock_place(for_reservation_id bigint, skus text[], locations text[], changes bigint[])
returns void language plpgsql as $$
begin
  update stock_reservation_lines l set held_milli = l.held_milli + c.milli
    from unnest(skus, locations, changes) as c(sku, location_id, milli)
    where l.reservation_id = for_reservation_id and l.sku = c.sku and l.location_id = c.location_id;
  insert into stock_reservation_lines (reservation_id, sku, location_id, held_milli)
    select for_reservation_id, c.sku, c.location_id, c.milli
    from unnest(skus, locations, changes) as c(sku, location_id, milli) where c.milli > 0
    on conflict do nothing;
  update stock_positions p set reserved_milli = p.reserved_milli + c.milli, changed_at = now()
    from unnest(skus, locations, changes) as c(sku, location_id, milli)
    where c.location_id <> '' and p.sku = c.sku and p.location_id = c.location_id;
  update stock_skus s set reserved_milli = s.reserved_milli + d.milli, version = s.version + 1, changed_at = now()
    from (select c.sku, sum(case when c.location_id = '' or p.is_pooled then c.milli else 0 end) as milli
          from unnest(skus, locations, changes) as c(sku, location_id, milli)
          left join stock_positions p on p.sku = c.sku and p.location_id = c.location_id
          group by c.sku) d
    where s.sku = d.sku;
end $$;

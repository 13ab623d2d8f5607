-- What shipments change. On hand and reserved go down together. A shipment has happened, so it is always booked, also what
-- it took without a reservation. It takes units from what the reservation holds at the place itself, then from the pool,
-- then from the other places it has units at.
create function stock_consume_effects(
  changes int[], ids bigint[], moments timestamptz[],
  line_changes int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns stock_effect[] language plpgsql as $$
declare
  effects stock_effect[];
  more stock_effect[];
  turn int := 1;
  remaining bigint;
  is_placed boolean;
  has_counted boolean;
begin
  -- Nearly every shipment leaves from where its units are held.
  select array_agg((l.change, l.sku, l.location_id,
      stock_uncounted(l.milli, moments[l.change], p.counted_at, c.milli),
      -l.milli, p.sku is not null, null, null, h.reservation_id, true, h.held_milli, l.milli, 0, null, true,
      l.leg, -l.milli)::stock_effect), bool_and(coalesce(h.held_milli >= l.milli, false)), bool_or(c.milli is not null)
  into effects, is_placed, has_counted
  from (select a.change, a.sku, a.location_id, a.milli,
          row_number() over (partition by a.change order by a.ordinal) - 1 as leg
        from unnest(line_changes, line_skus, line_locations, line_millis) with ordinality
          as a(change, sku, location_id, milli, ordinal)
        where a.change = any (changes)) l
  left join stock_reservation_lines h
    on h.reservation_id = ids[l.change] and h.sku = l.sku and h.location_id = l.location_id
  left join stock_positions p on p.sku = l.sku and p.location_id = l.location_id
  left join stock_counted_in c on c.reservation_id = ids[l.change] and c.sku = l.sku and c.location_id = l.location_id;

  if not is_placed then
    remaining := cardinality(effects);
    effects := '{}';
    -- A shipment that takes a SKU from several places is worked out place after place, because what one takes from the pool
    -- the next cannot.
    while remaining > 0 loop
      more := stock_consume_turn(turn, effects, changes, ids, moments, line_changes, line_skus, line_locations, line_millis);
      remaining := remaining - (select count(*) from unnest(more) e where e.leg is not null);
      effects := effects || more;
      turn := turn + 1;
    end loop;
  end if;

  -- Units that a count had added back have left now.
  if has_counted then
    update stock_counted_in c set milli = greatest(c.milli + e.stated, 0)
      from unnest(effects) e
      where e.leg is not null and c.reservation_id = e.reservation_id and c.sku = e.sku and c.location_id = e.location_id;
  end if;
  return effects;
end $$;

-- What a shipment changes on hand by. All of it, unless a later count covers its moment: then only what that count had
-- deducted for the reservation and was therefore added back.
create function stock_uncounted(milli bigint, moment timestamptz, counted_at timestamptz, added_back bigint)
returns bigint language sql immutable as $$
  select -case when counted_at >= moment then least(milli, coalesce(added_back, 0)) else milli end
$$;

-- The shipped lines that are the n-th of their SKU in their shipment. `earlier` has what the turns before took.
create function stock_consume_turn(
  turn int, earlier stock_effect[], changes int[], ids bigint[], moments timestamptz[],
  line_changes int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns stock_effect[] language sql as $$
  with shipped as (
    select l.change, ids[l.change] as reservation_id, l.sku, l.location_id, l.milli,
      row_number() over (partition by l.change order by l.ordinal) - 1 as leg,
      row_number() over (partition by l.change, l.sku order by l.ordinal) as turn
    from unnest(line_changes, line_skus, line_locations, line_millis) with ordinality
      as l(change, sku, location_id, milli, ordinal)
    where l.change = any (changes)
  ), source as (
    select s.change, s.leg, s.reservation_id, s.sku, s.location_id, s.milli, l.location_id as from_location_id,
      l.held_milli,
      case when turn = 1 then l.held_milli else l.held_milli + coalesce((select sum(e.held)::bigint from unnest(earlier) e
        where e.reservation_id = l.reservation_id and e.sku = l.sku and e.location_id = l.location_id), 0) end as left_milli
    from shipped s
    left join stock_reservation_lines l on l.reservation_id = s.reservation_id and l.sku = s.sku
    where s.turn = stock_consume_turn.turn
  ), part as materialized (
    select s.*, least(s.left_milli, greatest(s.milli - (sum(s.left_milli) over preferred - s.left_milli), 0))::bigint as taken
    from source s
    window preferred as (partition by s.change, s.leg
      order by s.from_location_id <> s.location_id, s.from_location_id <> '', s.from_location_id)
  ), line as (
    select p.change, p.leg, p.reservation_id, p.sku, p.location_id, p.milli,
      coalesce(bool_or(p.from_location_id = p.location_id), false) as has_line,
      coalesce(max(p.held_milli) filter (where p.from_location_id = p.location_id), 0) as held_before,
      coalesce(sum(p.taken) filter (where p.from_location_id = p.location_id), 0)::bigint as here,
      coalesce(sum(p.taken), 0)::bigint as taken
    from part p group by p.change, p.leg, p.reservation_id, p.sku, p.location_id, p.milli
  )
  select array_agg(x.effect) from (
    select (l.change, l.sku, l.location_id, stock_uncounted(l.milli, moments[l.change], p.counted_at, c.milli),
        -l.here, p.sku is not null, null, null, l.reservation_id, l.has_line, l.held_before, l.taken, 0, null, true,
        l.leg, -l.milli)::stock_effect as effect
      from line l
      left join stock_positions p on p.sku = l.sku and p.location_id = l.location_id
      left join stock_counted_in c
        on c.reservation_id = l.reservation_id and c.sku = l.sku and c.location_id = l.location_id
    union all
    select (p.change, p.sku, p.from_location_id, 0, -p.taken, true, null, null, p.reservation_id, true, p.held_milli, 0, 0,
        null, true, null, null)::stock_effect
      from part p where p.from_location_id <> p.location_id and p.taken > 0
  ) x
$$;

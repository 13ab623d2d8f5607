-- Movements: what happened to the units at a location.

-- Books a batch of movements as if one after another and returns one row each. A movement is a fact: it is booked once, and
-- what it leaves short (on hand below zero, or below what is reserved) is returned, not refused.
-- A segment is a run of movements of different facts, either without counts or of counts of different SKUs.
-- `millis` has what was moved, with its sign for adjustments, or what was counted. `includes` says of a count what is inside
-- the number: `orders` are the reservations it had deducted already ("none", "all", an array of their keys, or all that were
-- made `until` a moment), `states` the places beside this one whose units it had counted, too.
-- `is_feed`: the place's own system tells it, so what sells there is known up to its moment, whatever state the goods are in.
create function stock_apply(
  segments int[], facts text[], kinds text[], skus text[], locations text[], to_locations text[], millis bigint[],
  moments timestamptz[], reasons text[], digests uuid[], includes jsonb[], is_feed boolean[]
) returns table (movement int, outcome text, delta_milli bigint, on_hand_milli bigint, reserved_milli bigint,
  overdrawn_milli bigint, short_milli bigint, is_superseded boolean)
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  perform stock_lock(skus);
  -- A clock ahead of ours is not believed, or a count would swallow what follows it.
  moments := array(select least(m.moment, clock_timestamp())
    from unnest(moments) with ordinality as m(moment, ordinal) order by m.ordinal);
  for segment in 1 .. segments[cardinality(segments)] loop
    return query select * from stock_apply_segment(segment, segments, facts, kinds, skus, locations, to_locations, millis,
      moments, reasons, digests, includes);
  end loop;
  update stock_locations l set heard_at = h.moment
    from (select split_part(m.location_id, '/', 1) as location_id, max(m.moment) as moment
          from unnest(locations, moments, is_feed) as m(location_id, moment, is_feed) where m.is_feed group by 1) h
    where l.location_id = h.location_id and (l.heard_at is null or l.heard_at < h.moment - interval '1 second');
end $$;

create function stock_apply_segment(
  segment int, segments int[], facts text[], kinds text[], skus text[], locations text[], to_locations text[],
  millis bigint[], moments timestamptz[], reasons text[], digests uuid[], includes jsonb[]
) returns table (movement int, outcome text, delta_milli bigint, on_hand_milli bigint, reserved_milli bigint,
  overdrawn_milli bigint, short_milli bigint, is_superseded boolean)
language plpgsql as $$
#variable_conflict use_column
declare
  members int[] := array(select s.ordinal from unnest(segments) with ordinality as s(number, ordinal)
    where s.number = stock_apply_segment.segment);
  known int[] := '{}';
  superseded int[] := '{}';
  ties int[] := '{}';
  effects stock_effect[];
begin
  for movement, outcome in
    select m, case when l.digest = digests[m] then 'duplicate' else 'reused' end
    from unnest(members) m
    -- The limit keeps it a look-up by key: a plan made while the table was small would read all of it for each movement.
    cross join lateral (select k.digest from stock_ledger k where k.fact = facts[m] and k.leg = 0 limit 1) l
  loop
    known := known || movement;
    return next;
  end loop;
  if known <> '{}' then members := array(select m from unnest(members) m where m <> all (known)); end if;
  if members = '{}' then return; end if;

  perform stock_ensure(array_agg(x.sku), array_agg(x.location_id))
    from (select skus[m] as sku, locations[m] as location_id from unnest(members) m
          union all select skus[m], to_locations[m] from unnest(members) m) x;
  if kinds[members[1]] = 'count' then
    superseded := array(select m from unnest(members) m
      cross join lateral (select k.counted_at from stock_positions k where k.sku = skus[m] and k.location_id = locations[m]
        limit 1) p
      where p.counted_at > moments[m]);
    ties := array(select m from unnest(members) m
      cross join lateral (select k.counted_at from stock_positions k where k.sku = skus[m] and k.location_id = locations[m]
        limit 1) p
      where p.counted_at = moments[m]);
    effects := stock_count_effects(members, superseded, ties, skus, locations, millis, moments, includes);
  else
    effects := stock_movement_effects(members, kinds, skus, locations, to_locations, millis, moments);
  end if;

  return query
    with part as materialized (
      select e.change, e.leg, e.sku, e.on_hand as delta, p.reserved_milli as reserved,
        p.on_hand_milli + sum(e.on_hand) over (partition by e.sku, e.location_id order by e.change, e.leg desc) as on_hand,
        s.reserved_milli - s.on_hand_milli - coalesce(sum(e.on_hand) filter (where p.is_pooled)
          over (partition by e.sku order by e.change, e.leg desc), 0) as pool_short
      from unnest(effects) e
      cross join lateral (select k.* from stock_positions k where k.sku = e.sku and k.location_id = e.location_id limit 1) p
      cross join lateral (select k.* from stock_skus k where k.sku = e.sku limit 1) s
    )
    select x.change, 'applied', x.delta, x.on_hand::bigint, x.reserved, greatest(-x.on_hand, 0)::bigint,
      greatest(x.reserved - x.on_hand, x.pool_short, 0)::bigint, x.change = any (superseded)
    from part x where x.leg = 0;
  perform stock_post(effects, kinds, facts, array[]::text[], reasons, digests, moments);
  perform stock_move(effects);
end $$;

-- What movements other than counts change. A transfer has two rows in the ledger: 0 is the place it leaves, 1 the other.
create function stock_movement_effects(
  members int[], kinds text[], skus text[], locations text[], to_locations text[], millis bigint[], moments timestamptz[]
) returns stock_effect[] language sql stable as $$
  -- A count made later is the truth about everything before it, so a latecomer is recorded and changes nothing.
  select array_agg((l.movement, l.sku, l.location_id, case when p.counted_at >= moments[l.movement] then 0 else l.milli end,
      0, true, null, null, null, null, null, null, null, null, true, l.leg, l.milli)::stock_effect)
  from (
    select m as movement, 0 as leg, skus[m] as sku, locations[m] as location_id,
      case when kinds[m] in ('receipt', 'return', 'adjustment') then millis[m] else -millis[m] end as milli
      from unnest(members) m
    union all
    select m, 1, skus[m], to_locations[m], millis[m] from unnest(members) m where kinds[m] = 'transfer'
  ) l
  cross join lateral (select k.counted_at from stock_positions k where k.sku = l.sku and k.location_id = l.location_id limit 1) p
$$;

-- What absolute counts change. On hand means what physically stands there, reserved or not, so what the sender had already
-- deducted for reservations is added back: reserved then takes it off again, and the shipment deducts it once.
-- Whatever happened here after the count was made is kept on top of it. Of two counts of one moment the lower one stands.
create function stock_count_effects(
  members int[], superseded int[], ties int[], skus text[], locations text[], millis bigint[], moments timestamptz[], includes jsonb[]
) returns stock_effect[] language plpgsql as $$
declare
  valid int[] := array(select m from unnest(members) m where m <> all (superseded));
  effects stock_effect[];
begin
  delete from stock_counted_in c using unnest(valid) m where c.sku = skus[m] and c.location_id = locations[m];
  insert into stock_counted_in (sku, location_id, reservation_id, milli)
    select skus[m], locations[m], i.reservation_id, i.milli
    from unnest(valid) m, stock_count_includes(skus[m], locations[m], includes[m] -> 'orders', moments[m]) i where i.milli > 0;
  update stock_positions p set counted_at = moments[m]
    from unnest(valid) m where p.sku = skus[m] and p.location_id = locations[m];
  -- A count that finds what was thought to be there is news for a store: what it sold before the count is off already.
  perform snapshot_note(array_agg(locations[m]), 'stock', array_agg(skus[m])) from unnest(valid) m;

  select array_agg((m, skus[m], locations[m],
      case when m = any (superseded) then 0
        when m = any (ties) then least(millis[m] - beside.milli + added.milli + later.milli - p.on_hand_milli, 0)
        else millis[m] - beside.milli + added.milli + later.milli - p.on_hand_milli end,
      0, true, null, null, null, null, null, null, null, null, true, 0, millis[m])::stock_effect)
  into effects
  from unnest(members) m
  cross join lateral (select k.* from stock_positions k where k.sku = skus[m] and k.location_id = locations[m] limit 1) p,
  lateral (select coalesce(sum(c.milli), 0)::bigint as milli from stock_counted_in c
           where c.sku = p.sku and c.location_id = p.location_id) added,
  lateral (select coalesce(sum(k.on_hand_milli), 0)::bigint as milli
           from jsonb_array_elements_text(includes[m] -> 'states') as s(state)
           join stock_positions k on k.sku = p.sku and k.location_id = p.location_id || '/' || s.state) beside,
  lateral (select coalesce(sum(l.delta_milli), 0)::bigint as milli
           from stock_ledger l left join stock_reservations r on r.key = l.reservation_key
           where l.sku = p.sku and l.location_id = p.location_id and l.occurred_at > moments[m]
             and l.kind not in ('count', 'correction')
             and not coalesce(stock_is_included(includes[m] -> 'orders', r.key, r.created_at, moments[m]), false)) later;
  return effects;
end $$;

-- Whether a count says that it had deducted this reservation already.
create function stock_is_included(included jsonb, reservation_key text, reserved_at timestamptz, moment timestamptz)
returns boolean language sql stable as $$
  select case jsonb_typeof(included)
    when 'array' then included ? reservation_key
    when 'object' then reserved_at <= (included ->> 'until')::timestamptz
    else included = '"all"' and reserved_at <= moment end
$$;

-- Per included reservation, what it had not shipped from here when the count was made. Units still in the pool belong
-- here only when the count names the reservation, and only if no count of another place has named them already.
create function stock_count_includes(for_sku text, for_location_id text, included jsonb, moment timestamptz)
returns table (reservation_id bigint, milli bigint) language plpgsql stable as $$
declare
  upto timestamptz := case when jsonb_typeof(included) = 'object' then (included ->> 'until')::timestamptz else moment end;
begin
  if included = '"none"' then return; end if;
  if jsonb_typeof(included) = 'array' then
    return query
      select r.id, sum(case when l.location_id <> '' then l.held_milli + l.released_milli
        else greatest(l.held_milli + l.released_milli - coalesce((select sum(c.milli) from stock_counted_in c
          where c.reservation_id = r.id and c.sku = for_sku and c.location_id <> for_location_id), 0), 0) end)::bigint
      from (select distinct k.key from jsonb_array_elements_text(included) as k(key)) named
      join stock_reservations r on r.key = named.key
      join stock_reservation_lines l on l.reservation_id = r.id and l.sku = for_sku
        and l.location_id in (for_location_id, '')
      group by r.id;
  else
    return query
      select l.reservation_id, l.held_milli from stock_reservation_lines l
        where l.sku = for_sku and l.location_id = for_location_id and l.held_milli > 0 and l.reserved_at <= upto
      union all
      select r.id, l.released_milli from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
        where r.given_back_at > upto and r.created_at <= upto
          and l.sku = for_sku and l.location_id = for_location_id;
  end if;
end $$;

-- Posts a batch of movements in order and answers one object each. A movement is a fact: it is booked once, and what it
-- leaves short (on hand below zero, or below what is reserved) is answered, not refused.
create function stock_apply(movements jsonb) returns jsonb language plpgsql as $$
declare
  movement jsonb;
  earlier uuid;
  answers jsonb[] := '{}';
begin
  perform stock_lock(array(select m ->> 'sku' from jsonb_array_elements(movements) m));
  for movement in select * from jsonb_array_elements(movements) loop
    select l.digest into earlier from stock_ledger l where l.fact = movement ->> 'fact' and l.leg = 0;
    if not found then
      answers := answers || stock_apply_one(movement);
    elsif earlier = (movement ->> 'digest')::uuid then
      answers := answers || jsonb_build_object('outcome', 'duplicate');
    else
      answers := answers || jsonb_build_object('outcome', 'reused');
    end if;
  end loop;
  update stock_locations l set heard_at = h.happened
    from (select m ->> 'locationId' as location_id, max(stock_happened(m)) as happened
          from jsonb_array_elements(movements) m group by 1) h
    where l.location_id = h.location_id and (l.heard_at is null or l.heard_at < h.happened - interval '1 second');
  return to_jsonb(answers);
end $$;

-- When a movement happened; a clock ahead of ours is not believed, or a count would swallow what follows it.
create function stock_happened(movement jsonb) returns timestamptz language sql volatile as $$
  select least(coalesce((movement ->> 'occurredAt')::timestamptz, clock_timestamp()), clock_timestamp())
$$;

create function stock_apply_one(movement jsonb) returns jsonb language plpgsql as $$
declare
  happened timestamptz := stock_happened(movement);
  is_incoming boolean := movement ->> 'kind' in ('receipt', 'return');
  stated bigint := (movement ->> 'milli')::bigint;
  location text := movement ->> 'locationId';
begin
  perform stock_ensure(movement ->> 'sku', location);
  if movement ->> 'kind' = 'count' then return stock_apply_count(movement, happened); end if;
  if movement ->> 'kind' = 'transfer' then
    perform stock_ensure(movement ->> 'sku', movement ->> 'toLocationId');
    perform stock_apply_leg(movement, 1, movement ->> 'toLocationId', stated, happened);
  end if;
  if not is_incoming and movement ->> 'kind' <> 'adjustment' then stated := -stated; end if;
  return stock_apply_leg(movement, 0, location, stated, happened);
end $$;

create function stock_apply_leg(
  movement jsonb, leg int, location text, stated bigint, happened timestamptz
) returns jsonb language plpgsql as $$
declare
  change_milli bigint := stated;
begin
  -- A count made later is the truth about everything before it, so a latecomer is recorded and changes nothing.
  if exists (select from stock_positions p
             where p.sku = movement ->> 'sku' and p.location_id = location and p.counted_at >= happened) then
    change_milli := 0;
  end if;
  perform stock_post(movement ->> 'sku', location, happened, change_milli, 0, jsonb_build_object(
    'fact', movement ->> 'fact', 'leg', leg, 'kind', movement ->> 'kind', 'statedMilli', stated,
    'reason', movement ->> 'reason', 'digest', movement ->> 'digest'));
  return stock_position_answer(movement ->> 'sku', location, change_milli);
end $$;

create function stock_position_answer(for_sku text, for_location_id text, change_milli bigint) returns jsonb
language sql stable as $$
  select jsonb_build_object('outcome', 'applied', 'deltaMilli', change_milli, 'onHandMilli', p.on_hand_milli,
    'reservedMilli', p.reserved_milli, 'overdrawnMilli', greatest(-p.on_hand_milli, 0),
    'shortMilli', greatest(p.reserved_milli - p.on_hand_milli, s.reserved_milli - s.on_hand_milli, 0))
  from stock_positions p join stock_skus s on s.sku = p.sku
  where p.sku = for_sku and p.location_id = for_location_id
$$;

-- An absolute count. On hand means what physically stands there, reserved or not, so what the sender had already
-- deducted for reservations is added back: reserved then takes it off again, and the shipment deducts it once.
-- Whatever happened here after the count was made is kept on top of it.
create function stock_apply_count(movement jsonb, happened timestamptz) returns jsonb language plpgsql as $$
declare
  position_row stock_positions;
  counted bigint := (movement ->> 'countedMilli')::bigint;
  added_back bigint;
  later bigint;
  target bigint;
begin
  select * into strict position_row from stock_positions p
    where p.sku = movement ->> 'sku' and p.location_id = movement ->> 'locationId';
  if position_row.counted_at > happened then
    target := position_row.on_hand_milli;
  else
    delete from stock_counted_in c where c.sku = position_row.sku and c.location_id = position_row.location_id;
    insert into stock_counted_in (sku, location_id, reservation_id, milli)
      select position_row.sku, position_row.location_id, i.reservation_id, i.milli
      from stock_count_includes(position_row.sku, position_row.location_id, movement, happened) i where i.milli > 0;
    select coalesce(sum(c.milli), 0) into added_back from stock_counted_in c
      where c.sku = position_row.sku and c.location_id = position_row.location_id;
    select coalesce(sum(l.delta_milli), 0) into later
      from stock_ledger l
      left join stock_reservations r on r.key = l.reservation_key
      where l.sku = position_row.sku and l.location_id = position_row.location_id and l.occurred_at > happened
        and l.kind not in ('count', 'correction')
        and not coalesce(stock_is_included(movement, r.key, r.created_at, happened), false);
    update stock_positions p set counted_at = happened
      where p.sku = position_row.sku and p.location_id = position_row.location_id;
    target := counted + added_back + later;
  end if;
  perform stock_post(position_row.sku, position_row.location_id, happened, target - position_row.on_hand_milli, 0,
    jsonb_build_object('fact', movement ->> 'fact', 'leg', 0, 'kind', 'count', 'statedMilli', counted,
      'reason', movement ->> 'reason', 'digest', movement ->> 'digest'));
  return stock_position_answer(position_row.sku, position_row.location_id, target - position_row.on_hand_milli)
    || jsonb_build_object('superseded', position_row.counted_at is not null and position_row.counted_at > happened);
end $$;

-- Whether a count says that it had deducted this reservation already.
create function stock_is_included(movement jsonb, reservation_key text, reserved_at timestamptz, happened timestamptz)
returns boolean language sql immutable as $$
  select case jsonb_typeof(movement -> 'includesReservations')
    when 'array' then movement -> 'includesReservations' ? reservation_key
    else movement ->> 'includesReservations' = 'all' and reserved_at <= happened end
$$;

-- Per included reservation, what it had not shipped from here when the count was made. Units still in the pool belong
-- here only when the count names the reservation, and only if no count of another place has named them already.
create function stock_count_includes(for_sku text, for_location_id text, movement jsonb, happened timestamptz)
returns table (reservation_id bigint, milli bigint) language plpgsql stable as $$
begin
  if movement ->> 'includesReservations' = 'none' then return; end if;
  if jsonb_typeof(movement -> 'includesReservations') = 'array' then
    return query
      select r.id, sum(case when l.location_id <> '' then l.held_milli + l.released_milli
        else greatest(l.held_milli + l.released_milli - coalesce((select sum(c.milli) from stock_counted_in c
          where c.reservation_id = r.id and c.sku = for_sku and c.location_id <> for_location_id), 0), 0) end)::bigint
      from jsonb_array_elements_text(movement -> 'includesReservations') as named(key)
      join stock_reservations r on r.key = named.key
      join stock_reservation_lines l on l.reservation_id = r.id and l.sku = for_sku
        and l.location_id in (for_location_id, '')
      group by r.id;
  else
    return query
      select r.id, l.held_milli from stock_reservation_lines l join stock_reservations r on r.id = l.reservation_id
        where l.sku = for_sku and l.location_id = for_location_id and l.held_milli > 0 and r.created_at <= happened
      union all
      select r.id, l.released_milli from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
        where r.ended_at > happened and r.created_at <= happened
          and l.sku = for_sku and l.location_id = for_location_id;
  end if;
end $$;

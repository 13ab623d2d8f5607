-- Ships units of a reservation: on hand and reserved go down together, once per fact. A shipment has happened, so it is
-- always booked; what it took without a reservation is answered as unreservedMilli.
create function stock_consume(change jsonb) returns jsonb language plpgsql as $$
declare
  reservation stock_reservations;
  earlier uuid;
  happened timestamptz := least(coalesce((change ->> 'occurredAt')::timestamptz, clock_timestamp()), clock_timestamp());
  line record;
  leg int := 0;
  held record;
  unreserved bigint := 0;
  left_milli bigint;
  least_left bigint := 0;
begin
  select l.digest into earlier from stock_ledger l where l.fact = change ->> 'fact' and l.leg = 0;
  if earlier is not null then
    return jsonb_build_object('outcome',
      case when earlier = (change ->> 'digest')::uuid then 'duplicate' else 'reused' end);
  end if;
  select * into reservation from stock_reservations r where r.key = change ->> 'key' for update;

  for line in select * from stock_change_lines(change) x order by x.sku, x.location_id loop
    perform stock_ensure(line.sku, line.location_id);
    select * into held from stock_take(reservation.id, line.sku, line.location_id, line.milli);
    unreserved := unreserved + line.milli - held.taken;
    left_milli := stock_post(line.sku, line.location_id, happened,
      -stock_uncounted(reservation.id, line.sku, line.location_id, line.milli, happened), -held.here,
      jsonb_build_object('fact', change ->> 'fact', 'leg', leg, 'kind', 'shipment', 'statedMilli', -line.milli,
        'reservationKey', change ->> 'key', 'reason', change ->> 'reason', 'digest', change ->> 'digest'));
    least_left := least(least_left, left_milli);
    leg := leg + 1;
  end loop;
  if reservation.key is not null then perform stock_settle(reservation.key, 'consumed', 'shipped'); end if;
  return jsonb_build_object('outcome', 'consumed', 'unreservedMilli', unreserved, 'overdrawnMilli', -least_left);
end $$;

-- Takes units off what a reservation holds: at the place itself, then from the pool, then wherever else it holds some.
-- `taken` is how many it held, `here` how many of them at the place itself; those the caller has still to take off the
-- position's sums, together with what leaves the shelf.
create function stock_take(
  for_reservation_id bigint, for_sku text, for_location_id text, milli bigint, out taken bigint, out here bigint
) language plpgsql as $$
declare
  line record;
  part bigint;
begin
  taken := 0;
  here := 0;
  for line in
    select l.location_id, l.held_milli from stock_reservation_lines l
    where l.reservation_id = for_reservation_id and l.sku = for_sku and l.held_milli > 0
    order by l.location_id <> for_location_id, l.location_id <> '', l.location_id
  loop
    exit when taken = milli;
    part := least(milli - taken, line.held_milli);
    taken := taken + part;
    if line.location_id = for_location_id then
      here := part;
    else
      update stock_reservation_lines l set held_milli = l.held_milli - part
        where l.reservation_id = for_reservation_id and l.sku = for_sku and l.location_id = line.location_id;
      perform stock_move(for_sku, line.location_id, 0, -part, false);
    end if;
  end loop;
  if taken > 0 then
    insert into stock_reservation_lines as l (reservation_id, sku, location_id, held_milli, consumed_milli)
      values (for_reservation_id, for_sku, for_location_id, 0, taken)
      on conflict (reservation_id, sku, location_id) do update
        set held_milli = l.held_milli - here, consumed_milli = l.consumed_milli + taken;
  end if;
end $$;

-- How much of an outgoing quantity on hand still contains. All of it, unless a later count covers the moment: then only
-- what that count had deducted for this reservation and was therefore added back.
create function stock_uncounted(
  for_reservation_id bigint, for_sku text, for_location_id text, milli bigint, happened timestamptz
) returns bigint language plpgsql as $$
declare
  added_back bigint;
begin
  select c.milli into added_back from stock_counted_in c
    where c.reservation_id = for_reservation_id and c.sku = for_sku and c.location_id = for_location_id;
  if added_back is not null then
    update stock_counted_in c set milli = greatest(c.milli - stock_uncounted.milli, 0)
      where c.reservation_id = for_reservation_id and c.sku = for_sku and c.location_id = for_location_id;
  end if;
  if exists (select from stock_positions p
             where p.sku = for_sku and p.location_id = for_location_id and p.counted_at >= happened) then
    return least(milli, coalesce(added_back, 0));
  end if;
  return milli;
end $$;

-- Writes one ledger row and moves the sums, on hand by `change_milli`; answers the position's on hand afterwards.
create function stock_post(
  for_sku text, for_location_id text, happened timestamptz, change_milli bigint, reserved_change bigint, entry jsonb
) returns bigint language plpgsql as $$
declare
  on_hand bigint;
begin
  perform stock_move(for_sku, for_location_id, change_milli, reserved_change, false);
  select p.on_hand_milli into strict on_hand from stock_positions p
    where p.sku = for_sku and p.location_id = for_location_id;
  insert into stock_ledger (fact, leg, kind, sku, location_id, delta_milli, stated_milli, on_hand_after_milli,
      reservation_key, reason, digest, occurred_at)
    values (entry ->> 'fact', (entry ->> 'leg')::smallint, entry ->> 'kind', for_sku, for_location_id, change_milli,
      (entry ->> 'statedMilli')::bigint, on_hand, entry ->> 'reservationKey', entry ->> 'reason',
      (entry ->> 'digest')::uuid, happened);
  return on_hand;
end $$;

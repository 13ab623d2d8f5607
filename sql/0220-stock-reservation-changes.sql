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

-- By how much each place of a reservation changes when it is placed as the lines say. Only SKUs that are named move;
-- what the lines leave over goes to the pool.
create function stock_placement(for_reservation_id bigint, change jsonb)
returns table (sku text, location_id text, change_milli bigint, is_pooled boolean)
language sql stable as $$
  with held as (
    select l.sku, l.location_id, l.held_milli, l.consumed_milli
    from stock_reservation_lines l where l.reservation_id = for_reservation_id
  ), target as (
    select x.sku, x.location_id, greatest(x.milli - coalesce(h.consumed_milli, 0), 0) as milli
    from stock_change_lines(change) x
    left join held h on h.sku = x.sku and h.location_id = x.location_id
  ), rest as (
    select t.sku, '' as location_id, coalesce((select sum(h.held_milli) from held h where h.sku = t.sku), 0)
      - sum(t.milli) as milli
    from target t group by t.sku
  ), wanted as (
    select * from target union all select * from rest
    union all
    select h.sku, h.location_id, 0 from held h
    where h.location_id <> '' and h.sku in (select t.sku from target t)
      and not exists (select from target t where t.sku = h.sku and t.location_id = h.location_id)
  )
  select w.sku, w.location_id, (w.milli - coalesce(h.held_milli, 0))::bigint, coalesce(p.is_pooled, true)
  from wanted w
  left join held h on h.sku = w.sku and h.location_id = w.location_id
  left join stock_positions p on p.sku = w.sku and p.location_id = w.location_id
$$;

-- What a placement lacks, per location and for the pool; null when it fits.
create function stock_placement_shortage(for_reservation_id bigint, change jsonb) returns jsonb
language sql stable as $$
  with moved as (select * from stock_placement(for_reservation_id, change)
  ), need as (
    select m.sku, m.location_id, m.change_milli as milli, p.on_hand_milli - p.reserved_milli as free_milli
    from moved m join stock_positions p on p.sku = m.sku and p.location_id = m.location_id
    union all
    select m.sku, '', sum(m.change_milli), min(s.on_hand_milli - s.reserved_milli)
    from moved m join stock_skus s on s.sku = m.sku where m.is_pooled group by m.sku
  )
  select jsonb_agg(jsonb_build_object('sku', n.sku, 'locationId', n.location_id,
    'missingMilli', n.milli - greatest(n.free_milli + s.backorder_limit_milli, 0)))
  from need n join stock_skus s on s.sku = n.sku
  where n.milli > 0 and n.milli > n.free_milli + s.backorder_limit_milli
$$;

-- Places a reservation: `lines` say how much of each SKU each location answers for in all, consumed units included, so
-- the same call twice is one and another call moves it. A placed reservation is hard.
create function stock_allocate(change jsonb) returns jsonb language plpgsql as $$
declare
  reservation stock_reservations;
  line record;
  shortage jsonb;
begin
  select * into reservation from stock_reservations r where r.key = change ->> 'key' for update;
  if reservation.key is null then return jsonb_build_object('outcome', 'unknown'); end if;
  if reservation.state <> 'held' then
    return jsonb_build_object('outcome', 'ended', 'state', reservation.state);
  end if;

  select jsonb_agg(jsonb_build_object('sku', m.sku, 'locationId', '', 'missingMilli', -m.milli)) into shortage
  from (select x.sku, coalesce(h.milli, 0) + m.change_milli as milli
        from (select distinct c.sku from stock_change_lines(change) c) x
        join stock_placement(reservation.id, change) m on m.sku = x.sku and m.location_id = ''
        left join (select l.sku, l.held_milli as milli from stock_reservation_lines l
                   where l.reservation_id = reservation.id and l.location_id = '') h on h.sku = x.sku) m
  where m.milli < 0;
  if shortage is not null then return jsonb_build_object('outcome', 'exceeds', 'short', shortage); end if;

  perform stock_ensure(x.sku, x.location_id) from stock_change_lines(change) x
    where not exists (select from stock_positions p where p.sku = x.sku and p.location_id = x.location_id);
  shortage := stock_placement_shortage(reservation.id, change);
  if shortage is not null then return jsonb_build_object('outcome', 'short', 'short', shortage); end if;

  -- What leaves a place goes first, so that the sums never claim more than is there.
  for line in
    select * from stock_placement(reservation.id, change) m where m.change_milli <> 0 order by m.sku, m.change_milli
  loop
    perform stock_hold(reservation.id, line.sku, line.location_id, line.change_milli);
    perform stock_move(line.sku, line.location_id, 0, line.change_milli, true);
  end loop;
  update stock_reservations r set kind = 'hard', expires_at = null where r.key = reservation.key and r.kind = 'soft';
  return jsonb_build_object('outcome', 'allocated');
end $$;

-- Changes what a reservation holds at a place.
create function stock_hold(for_reservation_id bigint, for_sku text, for_location_id text, change_milli bigint)
returns void language plpgsql as $$
begin
  update stock_reservation_lines l set held_milli = l.held_milli + change_milli
    where l.reservation_id = for_reservation_id and l.sku = for_sku and l.location_id = for_location_id;
  if not found then
    insert into stock_reservation_lines (reservation_id, sku, location_id, held_milli)
      values (for_reservation_id, for_sku, for_location_id, change_milli);
  end if;
end $$;

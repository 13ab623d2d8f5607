-- Policy of a SKU. A narrower backorder limit never invalidates what was promised under the wider one.
create function stock_set_policy(
  for_sku text, allows boolean, limit_milli bigint, safety_milli bigint
) returns void language plpgsql as $$
begin
  perform stock_lock(array[for_sku]);
  update stock_skus s
    set allows_backorder = allows, backorder_limit_milli = limit_milli, safety_stock_milli = safety_milli,
        excess_limit_milli = greatest(limit_milli, s.reserved_milli - s.on_hand_milli),
        version = s.version + 1
    where s.sku = for_sku;
  update stock_positions p set excess_limit_milli = greatest(limit_milli, p.reserved_milli - p.on_hand_milli)
    where p.sku = for_sku;
  perform stock_note_changes(array[for_sku]);
end $$;

-- Takes a location into the pool or out of it, with everything that stands and is reserved there.
create function stock_set_pooled(for_location_id text, pooled boolean) returns void language plpgsql as $$
begin
  insert into stock_locations (location_id) values (for_location_id) on conflict do nothing;
  perform stock_lock(array(select p.sku from stock_positions p where p.location_id = for_location_id));
  update stock_locations l set is_pooled = pooled where l.location_id = for_location_id;
  update stock_skus s
    set on_hand_milli = s.on_hand_milli + sign * p.on_hand_milli,
        reserved_milli = s.reserved_milli + sign * p.reserved_milli,
        excess_limit_milli = greatest(s.backorder_limit_milli,
          s.reserved_milli - s.on_hand_milli + sign * (p.reserved_milli - p.on_hand_milli)),
        version = s.version + 1
    from stock_positions p, (select case when pooled then 1 else -1 end as sign) as direction
    where p.location_id = for_location_id and p.sku = s.sku and p.is_pooled <> pooled;
  update stock_positions p set is_pooled = pooled where p.location_id = for_location_id and p.is_pooled <> pooled;
  perform stock_note_changes(array(select p.sku from stock_positions p where p.location_id = for_location_id));
end $$;

-- Compares the running sums of SKUs with what ledger and reservations say, and mends them unless it is a dry run.
-- The ledger row of a correction changes nothing in the ledger's own sum: it records that the position had drifted.
create function stock_rebuild(
  for_skus text[], for_location_id text, is_dry_run boolean, reason text, reason_digest uuid
) returns table (sku text, location_id text, on_hand_was bigint, on_hand_is bigint,
  reserved_was bigint, reserved_is bigint)
language plpgsql
-- It reads all there is, unlike what clients usually ask.
set enable_seqscan = on set enable_hashjoin = on
as $$
#variable_conflict use_column
declare
  d record;
begin
  perform stock_lock(for_skus);
  for d in select * from stock_differences(for_skus) x
    where for_location_id is null or x.location_id in (for_location_id, '') order by x.sku, x.location_id desc
  loop
    if not is_dry_run then perform stock_correct(to_jsonb(d), reason, reason_digest); end if;
    sku := d.sku; location_id := d.location_id;
    on_hand_was := d.on_hand_was; on_hand_is := d.on_hand_is;
    reserved_was := d.reserved_was; reserved_is := d.reserved_is;
    return next;
  end loop;
end $$;

create function stock_differences(for_skus text[])
returns table (sku text, location_id text, is_pooled boolean, on_hand_was bigint, on_hand_is bigint,
  reserved_was bigint, reserved_is bigint)
language sql stable as $$
  with booked as (
    select l.sku, l.location_id, sum(l.delta_milli)::bigint as milli
    from stock_ledger l where l.sku = any (for_skus) group by 1, 2
  ), held as (
    select l.sku, l.location_id, sum(l.held_milli)::bigint as milli
    from stock_reservation_lines l where l.sku = any (for_skus) and l.held_milli > 0 group by 1, 2
  ), place as (
    select p.sku, p.location_id, p.is_pooled, p.on_hand_milli, coalesce(b.milli, 0) as on_hand_is,
      p.reserved_milli, coalesce(h.milli, 0) as reserved_is
    from stock_positions p
    left join booked b on b.sku = p.sku and b.location_id = p.location_id
    left join held h on h.sku = p.sku and h.location_id = p.location_id
    where p.sku = any (for_skus)
  ), pool as (
    select s.sku, '' as location_id, true as is_pooled, s.on_hand_milli,
      coalesce((select sum(p.on_hand_is) from place p where p.sku = s.sku and p.is_pooled), 0)::bigint as on_hand_is,
      s.reserved_milli,
      (coalesce((select sum(p.reserved_is) from place p where p.sku = s.sku and p.is_pooled), 0)
        + coalesce((select h.milli from held h where h.sku = s.sku and h.location_id = ''), 0))::bigint as reserved_is
    from stock_skus s where s.sku = any (for_skus)
  )
  select * from (select * from place union all select * from pool) x
  where x.on_hand_milli <> x.on_hand_is or x.reserved_milli <> x.reserved_is
$$;

create function stock_correct(d jsonb, reason text, reason_digest uuid) returns void language plpgsql as $$
begin
  if d ->> 'location_id' = '' then
    update stock_skus s
      set on_hand_milli = (d ->> 'on_hand_is')::bigint, reserved_milli = (d ->> 'reserved_is')::bigint,
          excess_limit_milli = greatest(s.backorder_limit_milli,
            (d ->> 'reserved_is')::bigint - (d ->> 'on_hand_is')::bigint),
          version = s.version + 1
      where s.sku = d ->> 'sku';
  else
    update stock_positions p
      set on_hand_milli = (d ->> 'on_hand_is')::bigint, reserved_milli = (d ->> 'reserved_is')::bigint,
          excess_limit_milli = greatest(s.backorder_limit_milli,
            (d ->> 'reserved_is')::bigint - (d ->> 'on_hand_is')::bigint),
          version = p.version + 1
      from stock_skus s
      where p.sku = d ->> 'sku' and p.location_id = d ->> 'location_id' and s.sku = p.sku;
    perform snapshot_note(array[d ->> 'location_id'], 'stock', array[d ->> 'sku']);
  end if;
  insert into stock_ledger (fact, leg, kind, sku, location_id, delta_milli, stated_milli, on_hand_after_milli,
      reason, digest, occurred_at)
    values ('correction:' || gen_random_uuid(), 0, 'correction', d ->> 'sku', d ->> 'location_id', 0,
      (d ->> 'on_hand_is')::bigint - (d ->> 'on_hand_was')::bigint, (d ->> 'on_hand_is')::bigint,
      reason || ': reserved ' || (d ->> 'reserved_was') || ' -> ' || (d ->> 'reserved_is'),
      reason_digest, clock_timestamp());
end $$;

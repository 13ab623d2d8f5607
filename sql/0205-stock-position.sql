-- Makes sure the rows of a SKU, and of a position when a location is named, exist.
create function stock_ensure(for_sku text, for_location_id text) returns void language plpgsql as $$
begin
  if exists (select from stock_positions p where p.sku = for_sku and p.location_id = for_location_id) then return; end if;
  insert into stock_skus (sku) values (for_sku) on conflict do nothing;
  if for_location_id <> '' then
    insert into stock_locations (location_id) values (for_location_id) on conflict do nothing;
    insert into stock_positions (sku, location_id, is_pooled)
      select for_sku, for_location_id, l.is_pooled from stock_locations l where l.location_id = for_location_id
      on conflict do nothing;
  end if;
end $$;

-- Locks SKUs in their order, creating those that are new.
create function stock_lock(for_skus text[]) returns void language plpgsql as $$
declare
  sorted text[] := array(select distinct s.sku from unnest(for_skus) as s(sku) where s.sku is not null order by 1);
  found int;
begin
  select count(*) into found
    from (select from stock_skus s where s.sku = any (sorted) order by s.sku for update) locked;
  if found < cardinality(sorted) then
    insert into stock_skus (sku) select s.sku from unnest(sorted) as s(sku) on conflict do nothing;
    perform from stock_skus s where s.sku = any (sorted) order by s.sku for update;
  end if;
end $$;

-- Moves the running sums of a position and of its SKU's pool; the caller holds the SKU.
-- A decision (is_decision) may not use more than the excess limit; a fact raises the limit to what it leaves behind.
create function stock_move(
  for_sku text, for_location_id text, on_hand_change bigint, reserved_change bigint, is_decision boolean
) returns void language plpgsql as $$
declare
  pooled boolean := true;
begin
  if on_hand_change = 0 and reserved_change = 0 then return; end if;
  if for_location_id <> '' then
    update stock_positions p
      set on_hand_milli = p.on_hand_milli + on_hand_change,
          reserved_milli = p.reserved_milli + reserved_change,
          excess_limit_milli = case when is_decision then p.excess_limit_milli else greatest(s.backorder_limit_milli,
            p.reserved_milli + reserved_change - p.on_hand_milli - on_hand_change) end,
          changed_at = now()
      from stock_skus s
      where p.sku = for_sku and p.location_id = for_location_id and s.sku = for_sku
      returning p.is_pooled into strict pooled;
  end if;
  if pooled then
    update stock_skus s
      set on_hand_milli = s.on_hand_milli + on_hand_change,
          reserved_milli = s.reserved_milli + reserved_change,
          excess_limit_milli = case when is_decision then s.excess_limit_milli else greatest(s.backorder_limit_milli,
            s.reserved_milli + reserved_change - s.on_hand_milli - on_hand_change) end,
          version = s.version + 1, changed_at = now()
      where s.sku = for_sku;
  end if;
end $$;

-- What of the catalogue and of pickups is noted for agents of stores (0195-store-snapshots.sql). A product is one thing with all its prices.

create function snapshot_note_prices() returns trigger language plpgsql as $$
begin
  if exists (select from snapshot_stores) then
    perform snapshot_note(array_agg(coalesce(n.price #>> '{scope,location}', '')), 'article', array_agg(n.product_id)) from new_rows n;
  end if;
  return null;
end $$;
-- A price may have held for another place or another article before.
create function snapshot_note_old_prices() returns trigger language plpgsql as $$
begin
  if exists (select from snapshot_stores) then
    perform snapshot_note(array_agg(coalesce(n.price #>> '{scope,location}', '')), 'article', array_agg(n.product_id))
    from (select price, product_id from old_rows union all select price, product_id from new_rows) n;
  end if;
  return null;
end $$;
create trigger snapshot_prices_new after insert on prices referencing new table as new_rows
  for each statement execute function snapshot_note_prices();
create trigger snapshot_prices_changed after update on prices referencing old table as old_rows new table as new_rows
  for each statement execute function snapshot_note_old_prices();

create function snapshot_note_articles() returns trigger language plpgsql as $$
begin
  if exists (select from snapshot_stores) then
    perform snapshot_note(array_agg(''::text), 'article', array_agg(n.product_id)) from new_rows n;
  end if;
  return null;
end $$;
create trigger snapshot_values_new after insert on product_values referencing new table as new_rows
  for each statement execute function snapshot_note_articles();
create trigger snapshot_values_changed after update on product_values referencing new table as new_rows
  for each statement execute function snapshot_note_articles();
create trigger snapshot_skus_new after insert on product_skus referencing new table as new_rows
  for each statement execute function snapshot_note_articles();
create trigger snapshot_products_changed after update on products referencing new table as new_rows
  for each statement execute function snapshot_note_articles();

create function snapshot_note_promotions() returns trigger language plpgsql as $$
begin
  if exists (select from snapshot_stores) then
    perform snapshot_note(array_agg(''::text), 'promotion', array_agg(n.promotion_id)) from new_rows n;
  end if;
  return null;
end $$;
create trigger snapshot_promotions_new after insert on promotions referencing new table as new_rows
  for each statement execute function snapshot_note_promotions();
create trigger snapshot_promotions_changed after update on promotions referencing new table as new_rows
  for each statement execute function snapshot_note_promotions();

create function snapshot_note_pickups() returns trigger language plpgsql as $$
begin
  if exists (select from snapshot_stores) then
    perform snapshot_note(array_agg(n.location_id), 'pickup', array_agg(n.pickup_id)) from new_rows n;
  end if;
  return null;
end $$;
create trigger snapshot_pickups_new after insert on pickups referencing new table as new_rows
  for each statement execute function snapshot_note_pickups();
create trigger snapshot_pickups_changed after update on pickups referencing new table as new_rows
  for each statement execute function snapshot_note_pickups();

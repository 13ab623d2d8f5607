-- What products say of the stock's articles: kits and units. The tables are the stock's (0265-stock-parts.sql).
-- Derives what articles are made of from the kits and units that products declare. Ids of products that changed; repeated, it changes nothing.
-- What has parts or is sold by the case is an article of the stock too, though nothing ever lies there: channels show it.
create function note_stock_parts(ids text[]) returns void language plpgsql as $$
declare
  changed text[];
begin
  with said as (
    select v.product_id, v.field, v.value from product_values v
    where v.product_id = any (ids) and v.field in ('kit', 'units') and v.scope = '' and v.layer = 'owned' and v.value is not null
  ), wanted as (
    select k.sku, c.sku as part, sum(c.milli)::bigint as milli, false as is_unit, min(x.product_id) as product_id
    from said x join product_skus k using (product_id), jsonb_to_recordset(x.value -> 'components') as c (sku text, milli bigint)
    where x.field = 'kit' and x.value ->> 'stock' = 'derived' group by 1, 2
    union all
    select u.sku, min(p.sku), min(u."baseMilli"), true, min(x.product_id)
    from said x join products p using (product_id), jsonb_to_recordset(x.value -> 'sales') as u (sku text, "baseMilli" bigint)
    where x.field = 'units' and u.sku is not null group by 1
  ), gone as (
    delete from stock_parts t where t.product_id = any (ids)
      and not exists (select from wanted w where (w.sku, w.part) = (t.sku, t.part)) returning t.sku
  ), made as (
    insert into stock_parts as t (sku, part, milli, is_unit, product_id)
    select w.sku, w.part, w.milli, w.is_unit, w.product_id from wanted w order by 1, 2
    on conflict (sku, part) do update set milli = excluded.milli, is_unit = excluded.is_unit, product_id = excluded.product_id
      where (t.milli, t.is_unit, t.product_id) is distinct from (excluded.milli, excluded.is_unit, excluded.product_id)
    returning t.sku
  )
  select array_agg(distinct x.sku) into changed from (select g.sku from gone g union all select m.sku from made m) x;

  with wanted as (
    select k.sku, u.unit, min(u."baseMilli") as base_milli, bool_or(u.is_base) as is_base, min(v.product_id) as product_id
    from product_values v join product_skus k using (product_id), lateral (
      select v.value ->> 'base' as unit, 1000::bigint as "baseMilli", true as is_base
      union all
      select s.unit, s."baseMilli", false from jsonb_to_recordset(v.value -> 'sales') as s (unit text, "baseMilli" bigint)) u
    where v.product_id = any (ids) and v.field = 'units' and v.scope = '' and v.layer = 'owned' and v.value is not null
    group by 1, 2
  ), gone as (
    delete from stock_units t where t.product_id = any (ids)
      and not exists (select from wanted w where (w.sku, w.unit) = (t.sku, t.unit))
  )
  insert into stock_units as t (sku, unit, base_milli, is_base, product_id)
  select w.sku, w.unit, w.base_milli, w.is_base, w.product_id from wanted w order by 1, 2
  on conflict (sku, unit) do update set base_milli = excluded.base_milli, is_base = excluded.is_base, product_id = excluded.product_id;

  if changed is not null then
    insert into stock_skus (sku) select s from unnest(changed) s order by 1 on conflict do nothing;
    perform stock_note_changes(changed);
  end if;
end $$;

-- Of articles: whether anybody knows them, and what of them lies or is reserved somewhere under their own SKU.
create function stock_held_of(asked text[]) returns table (sku text, is_known boolean, own_milli bigint) language sql stable as $$
  select a.sku,
    exists (select from stock_skus s where s.sku = k.sku) or exists (select from product_skus p where p.sku = a.sku),
    coalesce((select max(greatest(abs(p.on_hand_milli), p.reserved_milli)) from stock_positions p where p.sku = k.sku), 0)
      + coalesce((select s.reserved_milli from stock_skus s where s.sku = k.sku), 0)
  from unnest(asked) as a (sku) left join article_aliases n on n.alias = a.sku, lateral (select coalesce(n.sku, a.sku) as sku) k
$$;

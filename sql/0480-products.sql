-- Products, derived from the log. A value belongs to a field and a scope; what its owner says and a declared override of it lie beside
-- each other, so that the owner's value is there when the override ends.

create table products (
  product_id text primary key,
  sku        text not null unique,
  created_at timestamptz not null,
  changed_at timestamptz not null
);
create index products_changed on products (changed_at desc, product_id);

-- Every SKU that ever named a product. An old one stays an alias for ever and is never given to another product.
create table product_skus (
  sku        text primary key,
  product_id text not null,
  since      timestamptz not null
);
create index product_skus_of on product_skus (product_id);
create index product_skus_letters on product_skus (article_letters(sku) text_pattern_ops);

-- Under which SKUs a record of a source told of a product, and since when: of a record that tells another SKU than before, the product
-- was renamed.
create table product_records (
  source text not null,
  record text not null,
  sku    text not null,
  since  timestamptz not null,
  primary key (source, record, sku)
);
create index product_records_sku on product_records (source, sku);

create table product_values (
  product_id text not null,
  field      text not null,
  -- As scopeText writes it: `channel=shop-de;locale=de`, empty for everywhere.
  scope      text not null,
  layer      text not null check (layer in ('owned', 'override')),
  -- Null when the field was cleared on purpose.
  value      jsonb,
  -- Of an override: its end.
  until      timestamptz,
  said_by    text not null,
  rule       text not null,
  policy     text not null,
  -- When its source said it; what a source said earlier never replaces what it said later.
  at         timestamptz not null,
  fact       text not null,
  primary key (product_id, field, scope, layer)
);

-- By a code on the goods.
create index product_values_gtins on product_values using gin (value jsonb_path_ops) where field = 'gtins';
create index product_values_parent on product_values ((value ->> 'sku')) where field = 'variantOf';

-- Notes what reports say of records. Repeated, it changes nothing.
create function note_product_records(reports json) returns void language sql as $$
  insert into product_records as p (source, record, sku, since)
  select r.source, r.record, r.sku, min(r.at)
  from json_to_recordset(reports) as r (source text, record text, sku text, at timestamptz) group by 1, 2, 3 order by 1, 2, 3
  on conflict (source, record, sku) do update set since = excluded.since where excluded.since < p.since
$$;

-- Notes what events say of products; rows come in the order of the log. Repeated, it changes nothing.
create function note_products(changes json, renames json) returns void language plpgsql as $$
begin
  -- A new product is noted by whoever wrote it and by the reader of the log, often at the same moment: one of them waits here for the
  -- other. Below, the one that waits would be refused by the second key, which its conflict clause does not name.
  insert into products (product_id, sku, created_at, changed_at)
  select c.product_id, (array_agg(c.sku order by c.n))[1], min(c.at), min(c.at)
  from json_to_recordset(changes) as c (n integer, product_id text, sku text, at timestamptz)
  where not exists (select from products p where p.product_id = c.product_id) group by 1 order by 1
  on conflict do nothing;
  insert into products as p (product_id, sku, created_at, changed_at)
  select c.product_id, (array_agg(c.sku order by c.n))[1], min(c.at), max(c.at)
  from json_to_recordset(changes) as c (n integer, product_id text, sku text, at timestamptz) group by 1 order by 1
  on conflict (product_id) do update set changed_at = greatest(p.changed_at, excluded.changed_at);
  insert into product_skus (sku, product_id, since)
  select distinct on (c.sku) c.sku, c.product_id, c.at
  from json_to_recordset(changes) as c (n integer, product_id text, sku text, at timestamptz) order by c.sku, c.n
  on conflict (sku) do nothing;

  insert into product_values as v (product_id, field, scope, layer, value, until, said_by, rule, policy, at, fact)
  select distinct on (c.product_id, c.field, c.scope, c.layer)
    c.product_id, c.field, c.scope, c.layer, c.value, c.until, c.said_by, c.rule, c.policy, c.at, c.fact
  from json_to_recordset(changes) as c (n integer, product_id text, field text, scope text, layer text, value jsonb, until timestamptz,
    said_by text, rule text, policy text, at timestamptz, fact text)
  where c.field is not null
  order by c.product_id, c.field, c.scope, c.layer, c.at desc, c.n desc
  on conflict (product_id, field, scope, layer) do update set value = excluded.value, until = excluded.until,
    said_by = excluded.said_by, rule = excluded.rule, policy = excluded.policy, at = excluded.at, fact = excluded.fact
  where excluded.at >= v.at and excluded.fact <> v.fact;

  insert into product_skus (sku, product_id, since)
  select r.new_sku, r.product_id, r.at
  from json_to_recordset(renames) as r (n integer, product_id text, new_sku text, at timestamptz) order by r.n
  on conflict (sku) do nothing;
  update products p set sku = r.new_sku, changed_at = greatest(p.changed_at, r.at)
  from (select distinct on (product_id) * from json_to_recordset(renames) as r (n integer, product_id text, new_sku text, at timestamptz)
    order by product_id, n desc) r
  where p.product_id = r.product_id and exists (select from product_skus s where s.sku = r.new_sku and s.product_id = p.product_id);

  -- Most changes are of texts: only kits and units cost more, and products that have them and get another name.
  perform note_stock_parts(ids) from (
    select array_agg(distinct x.product_id) as ids from (
      select c.product_id from json_to_recordset(changes) as c (product_id text, field text) where c.field in ('kit', 'units')
      union all
      select r.product_id from json_to_recordset(renames) as r (product_id text)) x) n
  where ids is not null;
end $$;

-- SKUs of the products that have one of these GTINs, under every name a product ever had; `is_current` is today's. The code of a unit
-- that goods are sold in means that unit's own SKU, and nothing where it has none: a case is not one piece.
create function skus_with_gtins(codes text[]) returns table (gtin text, sku text, is_current boolean) language sql stable as $$
  select distinct c.gtin, k.sku, k.is_current
  from unnest(codes) as c (gtin)
  join product_values v on v.field = 'gtins' and v.value @> jsonb_build_array(jsonb_build_object('gtin', c.gtin))
    and (v.until is null or v.until > now())
  join products p using (product_id)
  cross join lateral jsonb_to_recordset(v.value) as g (gtin text, unit text)
  left join product_values u on u.product_id = v.product_id and u.field = 'units' and u.scope = '' and u.layer = 'owned'
  cross join lateral (
    select s.sku, s.sku = p.sku as is_current from product_skus s
    where s.product_id = v.product_id and g.unit = coalesce(u.value ->> 'base', g.unit)
    union all
    select x.sku, true from jsonb_to_recordset(u.value -> 'sales') as x (unit text, sku text)
    where x.unit = g.unit and x.sku is not null) k
  where g.gtin = c.gtin
$$;

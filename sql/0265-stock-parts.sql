-- Articles that have no stock of their own: kits whose stock follows from their components, and sales units such as a case of 24 under a
-- SKU of its own. Derived from products (note_stock_parts); the stock reads nothing else of them.
create table stock_parts (
  sku        text not null,
  -- As the product names it; the stock may keep it under an earlier SKU (article_aliases).
  part       text not null,
  -- Of the part, in one piece of the article.
  milli      bigint not null check (milli > 0),
  is_unit    boolean not null,
  -- The product that says so.
  product_id text not null,
  primary key (sku, part)
);
create index stock_parts_of_part on stock_parts (part);
create index stock_parts_said_by on stock_parts (product_id);

-- The units of an article: its base unit has 1000. An article that is not here is counted in whatever unit its orders name.
create table stock_units (
  sku        text not null,
  unit       text not null,
  base_milli bigint not null check (base_milli > 0),
  is_base    boolean not null,
  product_id text not null,
  primary key (sku, unit)
);
create index stock_units_said_by on stock_units (product_id);

-- How deep kits may lie in kits. The door refuses more (src/catalogue/writes/composition.ts has the same number); here it only ends walks,
-- also of a circle that two writes at one time could make.
create function stock_parts_depth() returns integer language sql immutable as $$ select 4 $$;

-- What one piece of each article is made of in the end, under the SKUs that the stock keeps. Articles with stock of their own have no row.
-- What lies too deep stays what it is: an article without stock, so nothing can be promised of it.
create function stock_parts_of(asked text[]) returns table (sku text, part text, milli bigint) language sql stable as $$
  with recursive walk as (
    select p.sku, p.part, p.milli::numeric as milli, 1 as depth from stock_parts p where p.sku = any (asked)
    union all
    select w.sku, p.part, w.milli * p.milli / 1000, w.depth + 1
    from walk w join stock_parts p on p.sku = w.part where w.depth < stock_parts_depth()
  )
  select w.sku, coalesce(a.sku, w.part), least(ceil(sum(w.milli)), 9e15)::bigint
  from walk w left join article_aliases a on a.alias = w.part
  where w.depth = stock_parts_depth() or not exists (select from stock_parts p where p.sku = w.part)
  group by 1, 2
$$;

-- The edges above and below articles, as far as walks go: what the door needs to refuse circles and depth.
create function stock_parts_around(asked text[]) returns table (sku text, part text, milli bigint, product_id text)
language sql stable as $$
  with recursive below as (
    select p.sku, p.part, 1 as depth from stock_parts p where p.sku = any (asked)
    union
    select p.sku, p.part, b.depth + 1 from below b join stock_parts p on p.sku = b.part where b.depth <= stock_parts_depth()
  ), above as (
    select p.sku, p.part, 1 as depth from stock_parts p where p.part = any (asked)
    union
    select p.sku, p.part, a.depth + 1 from above a join stock_parts p on p.part = a.sku where a.depth <= stock_parts_depth()
  )
  select p.sku, p.part, p.milli, p.product_id from stock_parts p
  where (p.sku, p.part) in (select b.sku, b.part from below b union select a.sku, a.part from above a)
$$;

-- How many whole pieces of each article stand together at single places of the pool, in thousandths. A part that may be promised before it
-- is there is left out: it can come in anywhere; an article of such parts alone has no row.
create function stock_together(skus text[], parts text[], millis bigint[]) returns table (sku text, together_milli bigint)
language sql stable as $$
  with asked as (
    select q.sku, q.part, q.milli from unnest(skus, parts, millis) as q (sku, part, milli)
    left join stock_skus s on s.sku = q.part where coalesce(s.backorder_limit_milli, 0) = 0
  ), place as (
    select a.sku, p.location_id, min(floor(greatest(p.on_hand_milli - p.reserved_milli, 0) / a.milli::numeric)) as pieces, count(*) as parts
    from asked a join stock_positions p on p.sku = a.part and p.is_pooled group by 1, 2
  )
  select n.sku, coalesce((select sum(p.pieces) from place p where p.sku = n.sku and p.parts = n.parts), 0)::bigint * 1000
  from (select a.sku, count(*) as parts from asked a group by 1) n
$$;

-- Takes notes away, each SKU once with the time of its first change, and with it every kit and sales unit over it. When those are too many
-- for one look, the rest is noted again in their place.
create function stock_take_changes(most integer) returns table (sku text, at timestamptz) language sql as $$
  with recursive taken as (
    delete from stock_changes c where c.ctid = any (array(select x.ctid from stock_changes x limit most for update skip locked))
    returning c.sku, c.at
  ), over as (
    select t.sku, t.at, 0 as depth from taken t
    union
    -- The stock may know a part by an earlier name than the product that names it.
    select p.sku, o.at, o.depth + 1
    from over o join lateral (
      select x.sku from stock_parts x where x.part = o.sku
      union select x.sku from article_aliases n join stock_parts x on x.part = n.alias where n.sku = o.sku
    ) p on true where o.depth < stock_parts_depth()
  ), found as (
    select o.sku, min(o.at) as at, row_number() over (order by min(o.depth), o.sku) as n from over o group by o.sku
  ), later as (
    insert into stock_changes (sku, at) select f.sku, f.at from found f where f.n > 2 * most
  )
  select f.sku, f.at from found f where f.n <= 2 * most
$$;

-- What is ordered from suppliers and has not come: a view of the log by SKU, place and day. Its reader writes it in one transaction with its
-- position, so each event counts once; `rebuild_on_order` makes it anew.

create table purchase_orders (
  order_id          text primary key,
  -- Of the content that stands, and of the newest cancellation; 0 before there is one. The newer one counts, in whatever order they came.
  version           bigint not null default 0,
  cancelled_version bigint not null default 0,
  supplier_id       text,
  placed_at         timestamptz
);

create index purchase_orders_by_age on purchase_orders (placed_at);

create table purchase_order_lines (
  order_id      text not null,
  line_id       text not null,
  sku           text not null,
  location_id   text not null,
  ordered_milli bigint not null,
  expected_on   date,
  is_closed     boolean not null,
  -- Derived: what came against it, and the last of it once nothing more is expected.
  received_milli bigint not null default 0,
  open_milli     bigint not null default 0,
  done_at        timestamptz,
  primary key (order_id, line_id)
);
create index purchase_order_lines_done on purchase_order_lines (sku, location_id, done_at) where done_at is not null;

-- Sums of receipts that name an order, whether or not the order is known. A line or a shipping notice that a receipt does not name is ''.
create table purchase_order_receipts (
  order_id    text not null,
  line_id     text not null,
  shipment_id text not null,
  sku         text not null,
  location_id text not null,
  -- Whether its source has the last word on receipts. The same goods may be told by a warehouse and, later, by the books.
  is_booked   boolean not null,
  milli       bigint not null,
  last_at     timestamptz not null,
  primary key (order_id, line_id, shipment_id, sku, location_id, is_booked)
);

create index purchase_order_receipts_by_age on purchase_order_receipts (last_at);

create table inbound_shipments (
  shipment_id text primary key,
  version     bigint not null,
  expected_on date
);
create index inbound_shipments_by_age on inbound_shipments (expected_on);

create table inbound_shipment_lines (
  shipment_id text not null,
  order_id    text not null,
  sku         text not null,
  location_id text not null,
  milli       bigint not null,
  primary key (shipment_id, order_id, sku, location_id)
);
create index inbound_shipment_lines_order on inbound_shipment_lines (order_id);

-- What is still to come. What a supplier has announced is part of what is open on its order, and never more.
create table stock_on_order (
  order_id     text not null,
  n            integer not null,
  sku          text not null,
  location_id  text not null,
  expected_on  date,
  milli        bigint not null check (milli > 0),
  is_announced boolean not null,
  primary key (order_id, n)
);
create index stock_on_order_position on stock_on_order (sku, location_id, expected_on);
create index stock_on_order_place on stock_on_order (location_id, sku);

-- When each system was last heard of orders, notices or receipts against orders.
create table purchase_sources (
  source   text primary key,
  heard_at timestamptz not null
);

-- Works out anew what is open on some orders, and notes the positions it concerns.
--
-- Where two sides tell receipts of an order, an article and a place (who has the last word, and who has not), the side that tells more
-- counts: the sum of both would count goods twice. A receipt that names no line fills the lines of its article and place by their days.
-- A batch has many orders, so lists of it are joined by hashing.
create function on_order_settle(order_ids text[]) returns void language plpgsql
set enable_hashjoin = on set enable_mergejoin = on as $$
declare
  locations text[];
  skus text[];
begin
  with gone as (delete from stock_on_order e where e.order_id = any (order_ids) returning e.location_id, e.sku)
  select array_agg(g.location_id), array_agg(g.sku) into locations, skus from gone g;

  with line as materialized (
    select l.*, o.cancelled_version > o.version or l.is_closed as is_over
    from purchase_order_lines l join purchase_orders o on o.order_id = l.order_id where l.order_id = any (order_ids)
  ), told as materialized (
    select r.order_id, coalesce(l.sku, r.sku) as sku, coalesce(l.location_id, r.location_id) as location_id,
      coalesce(l.line_id, '') as line_id, r.is_booked, sum(r.milli) as milli, max(r.last_at) as last_at
    from purchase_order_receipts r left join line l on l.order_id = r.order_id and l.line_id = r.line_id
    where r.order_id = any (order_ids) group by 1, 2, 3, 4, 5
  ), counted as materialized (
    select t.* from told t
    join (select distinct on (s.order_id, s.sku, s.location_id) s.*
          from (select order_id, sku, location_id, is_booked, sum(milli) as milli from told group by 1, 2, 3, 4) s
          order by s.order_id, s.sku, s.location_id, s.milli desc, s.is_booked desc) side
      on side.order_id = t.order_id and side.sku = t.sku and side.location_id = t.location_id and side.is_booked = t.is_booked
  ), beside as (
    select l.order_id, l.line_id, l.is_over, l.ordered_milli, coalesce(n.milli, 0) as named, n.last_at as named_at,
      coalesce(u.milli, 0) as unnamed, u.last_at as unnamed_at, greatest(l.ordered_milli - coalesce(n.milli, 0), 0) as wanted,
      sum(greatest(l.ordered_milli - coalesce(n.milli, 0), 0)) over (partition by l.order_id, l.sku, l.location_id
        order by l.expected_on nulls last, l.line_id) as upto
    from line l
    left join counted n on n.order_id = l.order_id and n.line_id = l.line_id
    left join counted u on u.order_id = l.order_id and u.sku = l.sku and u.location_id = l.location_id and u.line_id = ''
  ), filled as (
    select b.*, greatest(least(b.wanted, b.unnamed - (b.upto - b.wanted)), 0) as given from beside b
  )
  update purchase_order_lines l set
    received_milli = f.named + f.given,
    open_milli = case when f.is_over then 0 else f.wanted - f.given end,
    done_at = case when (f.is_over or f.wanted = f.given) and f.named + f.given > 0
      then greatest(f.named_at, case when f.given > 0 then f.unnamed_at end) end
  from filled f where l.order_id = f.order_id and l.line_id = f.line_id;

  with opened as materialized (
    select l.order_id, l.line_id, l.sku, l.location_id, l.expected_on, l.open_milli,
      sum(l.open_milli) over (partition by l.order_id, l.sku, l.location_id order by l.expected_on nulls last, l.line_id) as upto,
      sum(l.open_milli) over (partition by l.order_id, l.sku, l.location_id) as total
    from purchase_order_lines l where l.order_id = any (order_ids) and l.open_milli > 0
  ), announced as materialized (
    select a.*, sum(a.milli) over (partition by a.order_id, a.sku, a.location_id order by a.expected_on nulls last, a.shipment_id) as upto,
      sum(a.milli) over (partition by a.order_id, a.sku, a.location_id) as total
    from (
      select i.order_id, i.sku, i.location_id, i.shipment_id, s.expected_on, greatest(i.milli - coalesce(max(r.milli), 0), 0) as milli
      from inbound_shipment_lines i join inbound_shipments s on s.shipment_id = i.shipment_id
      left join (select order_id, shipment_id, sku, location_id, is_booked, sum(milli) as milli from purchase_order_receipts
            where order_id = any (order_ids) group by 1, 2, 3, 4, 5) r
        on r.order_id = i.order_id and r.shipment_id = i.shipment_id and r.sku = i.sku and r.location_id = i.location_id
      where i.order_id = any (order_ids) group by i.shipment_id, i.order_id, i.sku, i.location_id, s.expected_on, i.milli
    ) a
  ), entry as (
    -- Announced first, as far as the order is open; the rest keeps the days of its lines.
    select a.order_id, a.sku, a.location_id, a.expected_on, true as is_announced,
      greatest(least(a.milli, o.total - (a.upto - a.milli)), 0) as milli
    from announced a
    join (select distinct order_id, sku, location_id, total from opened) o
      on o.order_id = a.order_id and o.sku = a.sku and o.location_id = a.location_id
    union all
    select o.order_id, o.sku, o.location_id, o.expected_on, false,
      greatest(least(o.open_milli, o.upto - coalesce(a.total, 0)), 0)
    from opened o
    left join (select distinct order_id, sku, location_id, total from announced) a
      on a.order_id = o.order_id and a.sku = o.sku and a.location_id = o.location_id
  ), written as (
    insert into stock_on_order (order_id, n, sku, location_id, expected_on, milli, is_announced)
      select e.order_id, row_number() over (partition by e.order_id order by e.sku, e.location_id, e.expected_on, e.is_announced, e.milli),
        e.sku, e.location_id, e.expected_on, e.milli::bigint, e.is_announced
      from entry e where e.milli > 0
      returning location_id, sku
  )
  select locations || array_agg(w.location_id), skus || array_agg(w.sku) into locations, skus from written w;
  perform stock_note_signals(locations, skus);
end $$;

-- Keeps a batch: the newest content of each order and notice, cancellations, and sums of receipts (`Fold` in src/stock/on-order/fold.ts).
create function on_order_keep(input json) returns void language plpgsql
set enable_hashjoin = on set enable_mergejoin = on as $$
declare
  newer text[];
  touched text[];
begin
  with kept as (
    insert into purchase_orders as p (order_id, version, supplier_id, placed_at)
      select o.order_id, o.version, o.supplier_id, o.placed_at
      from json_to_recordset(input -> 'orders') as o(order_id text, version bigint, supplier_id text, placed_at timestamptz)
      order by o.order_id
    on conflict (order_id) do update set version = excluded.version, supplier_id = excluded.supplier_id, placed_at = excluded.placed_at
      where p.version < excluded.version
    returning order_id
  )
  select array_agg(k.order_id) into newer from kept k;
  delete from purchase_order_lines l where l.order_id = any (newer);
  insert into purchase_order_lines (order_id, line_id, sku, location_id, ordered_milli, expected_on, is_closed)
    select l.* from json_to_recordset(input -> 'lines') as l(order_id text, line_id text, sku text, location_id text,
      ordered_milli bigint, expected_on date, is_closed boolean)
    where l.order_id = any (newer);
  touched := newer;

  with kept as (
    insert into purchase_orders as p (order_id, cancelled_version)
      select c.order_id, c.version from json_to_recordset(input -> 'cancelled') as c(order_id text, version bigint) order by c.order_id
    on conflict (order_id) do update set cancelled_version = excluded.cancelled_version
      where p.cancelled_version < excluded.cancelled_version
    returning order_id
  )
  select touched || array_agg(k.order_id) into touched from kept k;

  with kept as (
    insert into purchase_order_receipts as p (order_id, line_id, shipment_id, sku, location_id, is_booked, milli, last_at)
      select r.* from json_to_recordset(input -> 'receipts') as r(order_id text, line_id text, shipment_id text, sku text,
        location_id text, is_booked boolean, milli bigint, last_at timestamptz)
      order by 1, 2, 3, 4, 5, 6
    on conflict (order_id, line_id, shipment_id, sku, location_id, is_booked) do update
      set milli = p.milli + excluded.milli, last_at = greatest(p.last_at, excluded.last_at)
    returning order_id
  )
  select touched || array_agg(k.order_id) into touched from kept k;

  with kept as (
    insert into inbound_shipments as p (shipment_id, version, expected_on)
      select s.* from json_to_recordset(input -> 'shipments') as s(shipment_id text, version bigint, expected_on date) order by 1
    on conflict (shipment_id) do update set version = excluded.version, expected_on = excluded.expected_on
      where p.version < excluded.version
    returning shipment_id
  )
  select array_agg(k.shipment_id) into newer from kept k;
  with gone as (delete from inbound_shipment_lines l where l.shipment_id = any (newer) returning l.order_id)
  select touched || array_agg(g.order_id) into touched from gone g;
  with kept as (
    insert into inbound_shipment_lines (shipment_id, order_id, sku, location_id, milli)
      select l.* from json_to_recordset(input -> 'announced') as l(shipment_id text, order_id text, sku text, location_id text, milli bigint)
      where l.shipment_id = any (newer)
    returning order_id
  )
  select touched || array_agg(k.order_id) into touched from kept k;

  insert into purchase_sources as p (source, heard_at)
    select s.* from json_to_recordset(input -> 'sources') as s(source text, heard_at timestamptz) order by 1
  on conflict (source) do update set heard_at = greatest(p.heard_at, excluded.heard_at);
  perform on_order_settle(array(select distinct t from unnest(touched) t where t is not null));
end $$;

-- Has the reader read the log again from its beginning. Its transactions begin with its row.
create function rebuild_on_order() returns void language plpgsql as $$
begin
  update subscriptions set xid = '0', seq = 0, updated_at = now() where name = 'goods on order';
  delete from purchase_orders;
  delete from purchase_order_lines;
  delete from purchase_order_receipts;
  delete from inbound_shipments;
  delete from inbound_shipment_lines;
  delete from stock_on_order;
  delete from purchase_sources;
end $$;

-- Forgets some orders that were placed before a moment, of which nothing is open and nothing came since, with their receipts and notices; then
-- receipts and notices as old whose order never came. Returns how many rows it was of each at most.
create function forget_purchases(before timestamptz, most integer) returns integer language plpgsql as $$
declare
  gone      text[];
  shipments text[];
  receipts  bigint;
begin
  -- The reader's transactions begin with its row.
  perform from subscriptions s where s.name = 'goods on order' for update;
  gone := array(select o.order_id from purchase_orders o where o.placed_at < before
    and not exists (select from purchase_order_lines l where l.order_id = o.order_id and l.open_milli > 0)
    and not exists (select from purchase_order_receipts r where r.order_id = o.order_id and r.last_at >= before)
    order by o.placed_at limit most);
  delete from purchase_order_receipts r where r.order_id = any (gone);
  delete from purchase_order_lines l where l.order_id = any (gone);
  delete from purchase_orders o where o.order_id = any (gone);
  shipments := array(select distinct l.shipment_id from inbound_shipment_lines l where l.order_id = any (gone));
  delete from inbound_shipment_lines l where l.order_id = any (gone);
  delete from inbound_shipments s where s.shipment_id = any (shipments)
    and not exists (select from inbound_shipment_lines l where l.shipment_id = s.shipment_id);

  delete from purchase_order_receipts r where r.ctid = any (array(select x.ctid from purchase_order_receipts x where x.last_at < before
    and not exists (select from purchase_orders o where o.order_id = x.order_id) order by x.last_at limit most));
  get diagnostics receipts = row_count;
  shipments := array(select s.shipment_id from inbound_shipments s where s.expected_on < before::date
    and not exists (select from inbound_shipment_lines l join purchase_orders o on o.order_id = l.order_id where l.shipment_id = s.shipment_id)
    order by s.expected_on limit most);
  delete from inbound_shipment_lines l where l.shipment_id = any (shipments);
  delete from inbound_shipments s where s.shipment_id = any (shipments);
  return greatest(cardinality(gone), receipts, cardinality(shipments));
end $$;

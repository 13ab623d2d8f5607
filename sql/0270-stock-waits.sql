-- Orders that wait for stock. The table is empty when nobody waits, so what comes in costs nothing then.
create table stock_waits (
  order_id      text not null,
  sku           text not null,
  missing_milli bigint not null,
  -- Who waits longest is woken first.
  since         timestamptz not null,
  -- What was free when the order was noted; -1 for a SKU that nobody knew. More than that has come in.
  free_milli    bigint not null,
  noted_at      timestamptz not null default now(),
  primary key (order_id, sku)
);

-- What may be promised of a SKU from the pool.
create function stock_free_milli(s stock_skus) returns bigint language sql immutable as $$
  select s.on_hand_milli - s.reserved_milli + s.backorder_limit_milli
$$;

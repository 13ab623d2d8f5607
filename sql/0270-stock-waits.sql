-- Orders that wait for stock. The table is empty when nobody waits, so what comes in costs nothing then.
create table stock_waits (
  order_id      text not null,
  sku           text not null,
  -- Where it must be; empty for the pool.
  location_id   text not null,
  missing_milli bigint not null,
  -- Who waits longest is woken first.
  since         timestamptz not null,
  -- What was free when the order was refused; -1 for a SKU that nobody knew. More than that has come in.
  free_milli    bigint not null,
  noted_at      timestamptz not null default now(),
  primary key (order_id, sku, location_id)
);

-- What may be promised of a SKU: from the pool, or at a place. Null for a SKU that nobody knows.
create function stock_free_milli(s stock_skus, p stock_positions, location_id text) returns bigint language sql immutable as $$
  select s.backorder_limit_milli + case when location_id = '' then s.on_hand_milli - s.reserved_milli
    else coalesce(p.on_hand_milli - p.reserved_milli, 0) end
$$;

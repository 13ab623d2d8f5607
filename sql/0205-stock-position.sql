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

-- One part of what a request does: units of one SKU at one place, '' for the pool. Requests are worked out as such parts
-- first, then judged, then written all at once.
create type stock_effect as (
  -- Number of the request in its batch.
  change int,
  sku text,
  location_id text,
  -- What the running sums change by: on hand, and reserved, which is what reservation lines hold.
  on_hand bigint,
  held bigint,
  -- The position before: whether it exists, and, of a decision, whether it counts to the pool and what is free there.
  has_position boolean,
  is_pooled boolean,
  free bigint,
  -- The reservation's line: whether it exists, what it held before, what else of it changes. Null without a reservation.
  reservation_id bigint,
  has_line boolean,
  held_before bigint,
  consumed bigint,
  released bigint,
  -- A pool line that gives all it held to a place without a line becomes that place's line: one row is written, not two.
  -- Of the pool's effect this is the place, of the place's effect it is the place itself.
  heir text,
  -- A fact is booked even when it leaves too little; a decision is refused.
  is_fact boolean,
  -- The row of the ledger: its number within the fact, and what the sender stated. Null when the part has no row.
  leg int,
  stated bigint
);

-- Makes sure that positions exist. The caller holds the SKUs.
create function stock_ensure(for_skus text[], for_locations text[]) returns void language plpgsql as $$
declare
  skus text[];
  locations text[];
begin
  select array_agg(x.sku), array_agg(x.location_id) into skus, locations
  from (select distinct n.sku, n.location_id from unnest(for_skus, for_locations) as n(sku, location_id)
        where n.location_id <> ''
          and not exists (select from stock_positions p where p.sku = n.sku and p.location_id = n.location_id)) x;
  if skus is null then return; end if;

  perform stock_lock(skus);
  -- What lies at a place and cannot be sold is a place of its own beside it, and in no pool.
  insert into stock_locations (location_id, is_pooled)
    select distinct x.location_id, x.location_id not like '%/%' from unnest(locations) as x(location_id)
    order by 1 on conflict do nothing;
  insert into stock_positions (sku, location_id, is_pooled)
    select x.sku, l.location_id, l.is_pooled
    from unnest(skus, locations) as x(sku, location_id) join stock_locations l on l.location_id = x.location_id
    on conflict do nothing;
end $$;

-- Which SKUs changed, for whoever publishes stock. Noted in the transaction of the change, and only while somebody watches.
--
-- Both tables are unlogged, so that a note costs no WAL. After a crash of the database, or in a standby that took over, they are empty:
-- a watcher that finds itself gone looks at everything once.
create unlogged table stock_changes (
  sku text not null,
  at  timestamptz not null default clock_timestamp()
);

create unlogged table stock_watchers (
  name text primary key
);

create function stock_note_changes(skus text[]) returns void language sql as $$
  insert into stock_changes (sku) select distinct s from unnest(skus) as s where exists (select from stock_watchers)
$$;

-- Which positions changed, for the signal to planning (0288-replenishment.sql). Noted as the changes above: unlogged, and only while it is
-- watched. What lies at a place in a state that cannot be sold is news of the place.
create unlogged table stock_signal_watch (
  is_only boolean primary key default true check (is_only),
  -- Transactions that began before may have changed something without a note. Null until the row is committed and can be seen.
  since   xid8
);

create unlogged table stock_signal_notes (
  sku         text not null,
  location_id text not null
);

create function stock_note_signals(locations text[], skus text[]) returns void language sql as $$
  insert into stock_signal_notes (sku, location_id)
  select distinct n.sku, split_part(n.location_id, '/', 1) from unnest(locations, skus) as n(location_id, sku)
  where exists (select from stock_signal_watch)
$$;

-- Adds effects to the running sums of positions and of the pools of their SKUs. The caller holds the SKUs.
-- A decision may not use more than the excess limit; a fact sets the limit to what it leaves behind.
create function stock_move(effects stock_effect[]) returns void language sql as $$
  with change as materialized (
    select e.sku, e.location_id, sum(e.on_hand)::bigint as on_hand, sum(e.held)::bigint as held, bool_or(e.is_fact) as has_fact
    from unnest(effects) e group by e.sku, e.location_id
  ), moved as (
    update stock_positions p
      set on_hand_milli = p.on_hand_milli + c.on_hand, reserved_milli = p.reserved_milli + c.held,
          excess_limit_milli = case when c.has_fact then greatest(s.backorder_limit_milli,
            p.reserved_milli + c.held - p.on_hand_milli - c.on_hand) else p.excess_limit_milli end,
          version = p.version + 1
      from change c join stock_skus s on s.sku = c.sku
      where p.sku = c.sku and p.location_id = c.location_id and (c.on_hand <> 0 or c.held <> 0)
      returning p.sku, p.is_pooled, c.on_hand, c.held, c.has_fact
  )
  update stock_skus s
    set on_hand_milli = s.on_hand_milli + d.on_hand, reserved_milli = s.reserved_milli + d.held,
        excess_limit_milli = case when d.has_fact then greatest(s.backorder_limit_milli,
          s.reserved_milli + d.held - s.on_hand_milli - d.on_hand) else s.excess_limit_milli end,
        version = s.version + 1
    from (select x.sku, sum(x.on_hand)::bigint as on_hand, sum(x.held)::bigint as held, bool_or(x.has_fact) as has_fact
          from (select m.sku, m.on_hand, m.held, m.has_fact from moved m where m.is_pooled
                union all select c.sku, c.on_hand, c.held, c.has_fact from change c where c.location_id = '') x
          group by x.sku) d
    where s.sku = d.sku and (d.on_hand <> 0 or d.held <> 0);
  select stock_note_changes(array(select e.sku from unnest(effects) e where e.on_hand <> 0 or e.held <> 0));
  select snapshot_note(x.locations, 'stock', x.skus), stock_note_signals(x.locations, x.skus)
  from (select array_agg(e.location_id) as locations, array_agg(e.sku) as skus
        from unnest(effects) e where e.location_id <> '' and (e.on_hand <> 0 or e.held <> 0)) x;
$$;

-- Writes the ledger rows of effects that have one; the details of a fact come by the number of its request. Called before
-- the sums move. Returns the least that any row of a fact left on hand.
create function stock_post(
  effects stock_effect[], kinds text[], facts text[], reservation_keys text[], reasons text[], digests uuid[],
  moments timestamptz[]
) returns table (change int, least_on_hand bigint) language sql as $$
  with entry as materialized (
    select e.change, e.leg, e.sku, e.location_id, e.on_hand as delta, e.stated,
      p.on_hand_milli + sum(e.on_hand) over (partition by e.sku, e.location_id order by e.change, e.leg) as on_hand_after
    from unnest(effects) e join stock_positions p on p.sku = e.sku and p.location_id = e.location_id
    where e.leg is not null
  ), written as (
    insert into stock_ledger (fact, leg, kind, sku, location_id, delta_milli, stated_milli, on_hand_after_milli,
        reservation_key, reason, digest, occurred_at)
      select facts[e.change], e.leg, kinds[e.change], e.sku, e.location_id, e.delta, e.stated, e.on_hand_after,
        reservation_keys[e.change], nullif(reasons[e.change], ''), digests[e.change], moments[e.change]
      from entry e order by e.change, e.leg
  )
  select e.change, min(e.on_hand_after)::bigint from entry e group by e.change
$$;

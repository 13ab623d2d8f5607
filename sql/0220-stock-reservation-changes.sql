-- Changes of reservations: release, expire, confirm, allocate, consume.

-- Applies a batch of changes as if one after another. Returns one row a change, or one row a shortage of a refused one.
-- `milli` is what was given back, what was shipped without a reservation, or what is missing.
-- A segment is a run of changes whose keys and facts all differ: its changes do not read what the others write to a
-- reservation or the ledger, so they are worked out together. The lines of a change must be summed per SKU and location.
create function stock_change(
  segments int[], ops text[], keys text[], reasons text[], facts text[], digests uuid[], moments timestamptz[],
  line_changes int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns table (change int, outcome text, state text, milli bigint, overdrawn_milli bigint, sku text, location_id text)
language plpgsql
-- Every statement below finds rows by key, so one plan serves all batches; by itself the planner plans most of them anew on
-- every call, which cost more than running them.
set plan_cache_mode = force_generic_plan
as $$
begin
  -- The SKUs, in their order. One that is new has no units and nobody's units, and is created when a fact names it.
  perform from stock_skus s
    where s.sku = any (array(
      select l.sku from unnest(keys) as k(key)
        join stock_reservations r on r.key = k.key
        join stock_reservation_lines l on l.reservation_id = r.id
      union all select x.sku from unnest(line_skus) as x(sku)))
    order by s.sku for update;
  -- A clock ahead of ours is not believed, or a later count would not cover what it says.
  for i in 1 .. cardinality(moments) loop
    moments[i] := least(moments[i], clock_timestamp());
  end loop;
  for segment in 1 .. segments[cardinality(segments)] loop
    return query select * from stock_change_segment(segment, segments, ops, keys, reasons, facts, digests, moments,
      line_changes, line_skus, line_locations, line_millis);
  end loop;
end $$;

-- Changes of one segment. Numbers of changes count through the whole batch. The caller holds the SKUs.
create function stock_change_segment(
  this_segment int, segments int[], ops text[], keys text[], reasons text[], facts text[], digests uuid[],
  moments timestamptz[],
  line_changes int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns table (change int, outcome text, state text, milli bigint, overdrawn_milli bigint, sku text, location_id text)
language plpgsql as $$
#variable_conflict use_column
declare
  -- By number of the change; null where no such reservation exists.
  ids bigint[] := array_fill(null::bigint, array[cardinality(keys)]);
  states text[] := array_fill(null::text, array[cardinality(keys)]);
  repeats text[] := array_fill(null::text, array[cardinality(keys)]);
  soft int[] := '{}';
  due int[] := '{}';
  releasing int[] := '{}';
  allocating int[] := '{}';
  consuming int[] := '{}';
  settling int[] := '{}';
  hardening int[] := '{}';
  refused int[] := '{}';
  overdrawn bigint[] := '{}';
  effects stock_effect[] := '{}';
  known record;
begin
  for known in
    select c.ordinal::int as change, r.id, r.state, r.kind = 'soft' as is_soft, r.expires_at <= clock_timestamp() as is_due
    from unnest(segments, keys) with ordinality as c(segment, key, ordinal) join stock_reservations r on r.key = c.key
    where c.segment = this_segment order by c.key collate "C" for update of r
  loop
    ids[known.change] := known.id;
    states[known.change] := known.state;
    if known.is_soft then soft := soft || known.change; end if;
    if known.is_due then due := due || known.change; end if;
  end loop;
  if 'consume' = any (ops) then
    for known in
      select c.ordinal::int as change, l.digest = c.digest as is_same
      from unnest(segments, ops, facts, digests) with ordinality as c(segment, op, fact, digest, ordinal)
      join stock_ledger l on l.fact = c.fact and l.leg = 0
      where c.segment = this_segment and c.op = 'consume'
    loop
      repeats[known.change] := case when known.is_same then 'duplicate' else 'reused' end;
    end loop;
  end if;

  overdrawn_milli := 0;
  for i in 1 .. cardinality(keys) loop
    continue when segments[i] <> this_segment;
    change := i;
    state := null;
    milli := 0;
    if ops[i] = 'consume' then
      outcome := repeats[i];
      if outcome is not null then return next; continue; end if;
      consuming := consuming || i;
      if states[i] = 'held' then settling := settling || i; end if;
    elsif states[i] is null then
      if ops[i] = 'release' then perform stock_forestall(keys[i], reasons[i]); end if;
      outcome := 'unknown';
      return next;
    elsif states[i] <> 'held' then
      outcome := 'ended';
      state := states[i];
      return next;
    elsif ops[i] = 'allocate' then
      allocating := allocating || i;
    elsif ops[i] = 'confirm' then
      hardening := hardening || i;
      outcome := 'confirmed';
      return next;
    elsif ops[i] = 'expire' and i <> all (due) then
      outcome := 'kept';
      return next;
    else
      releasing := releasing || i;
      settling := settling || i;
    end if;
  end loop;

  if releasing <> '{}' then effects := stock_release_effects(releasing, ids); end if;
  if consuming <> '{}' then
    effects := effects || stock_consume_effects(consuming, ids, moments, line_changes, line_skus, line_locations,
      line_millis);
  end if;
  if allocating <> '{}' then
    effects := effects || stock_allocate_effects(allocating, ids, line_changes, line_skus, line_locations, line_millis);
    state := null;
    for change, outcome, milli, sku, location_id in select * from stock_refuse(effects) loop
      refused := refused || change;
      return next;
    end loop;
    if refused <> '{}' then
      effects := array(select e from unnest(effects) e where e.change <> all (refused));
    end if;
    hardening := hardening || array(select a from unnest(allocating) a where a <> all (refused));
  end if;
  if exists (select from unnest(effects) e where not e.has_position) then
    perform stock_ensure(array_agg(e.sku), array_agg(e.location_id)) from unnest(effects) e where not e.has_position;
  end if;

  if consuming <> '{}' then
    for known in
      select p.change, p.least_on_hand from stock_post(effects, array_fill('shipment'::text, array[cardinality(keys)]),
        facts, keys, reasons, digests, moments) p
    loop
      overdrawn[known.change] := greatest(-known.least_on_hand, 0);
    end loop;
  end if;
  perform stock_write_lines(effects);
  perform stock_move(effects);
  if settling <> '{}' then perform stock_settle(settling, ids, keys, ops, reasons); end if;
  if hardening && soft then
    update stock_reservations r set kind = 'hard', expires_at = null
      from unnest(hardening) as h(change) where r.key = keys[h.change] and r.kind = 'soft';
  end if;

  state := null;
  sku := null;
  location_id := null;
  if consuming <> '{}' or releasing <> '{}' then
    for change, milli, outcome in
      select e.change, case when bool_or(e.leg is not null) then -sum(e.stated) - sum(e.consumed) else sum(e.released) end,
        case when bool_or(e.leg is not null) then 'consumed' else 'released' end
      from unnest(effects) e where e.is_fact group by e.change
    loop
      overdrawn_milli := coalesce(overdrawn[change], 0);
      return next;
    end loop;
  end if;
  milli := 0;
  overdrawn_milli := 0;
  outcome := 'allocated';
  foreach change in array allocating loop
    if change <> all (refused) then return next; end if;
  end loop;
end $$;

-- Marks a key that nobody reserved yet as released, so that a reservation that is still under way when its undo runs finds
-- its key used.
create function stock_forestall(for_key text, reason text) returns void language plpgsql as $$
begin
  insert into stock_reservations (key, id, owner, kind, state, end_reason, ended_at)
    values (for_key, 0, '', 'hard', 'released', reason, now())
    on conflict (key) do nothing;
  if not found then
    raise exception 'reservation % was made in this moment', for_key using errcode = 'serialization_failure';
  end if;
end $$;

-- Ends reservations that hold nothing any more. Once something was consumed the reservation is consumed, whatever became of
-- the rest.
create function stock_settle(changes int[], ids bigint[], keys text[], ops text[], reasons text[]) returns void
language sql as $$
  update stock_reservations r
    set state = case when t.consumed > 0 then 'consumed' when ops[c.change] = 'expire' then 'expired' else 'released' end,
        ended_at = clock_timestamp(), expires_at = null,
        end_reason = case ops[c.change] when 'consume' then 'shipped' else reasons[c.change] end,
        given_back_at = case ops[c.change] when 'consume' then null else clock_timestamp() end
    from unnest(changes) as c(change),
      lateral (select sum(l.held_milli) as held, sum(l.consumed_milli) as consumed
               from stock_reservation_lines l where l.reservation_id = ids[c.change]) t
    where r.key = keys[c.change] and t.held = 0
$$;

-- Gives back what is still held, never what was consumed.
create function stock_release_effects(changes int[], ids bigint[]) returns stock_effect[] language sql as $$
  select coalesce(array_agg((c.change, l.sku, l.location_id, 0, -l.held_milli, true, null, null,
      l.reservation_id, true, l.held_milli, 0, l.held_milli, null, true, null, null)::stock_effect), '{}')
  from unnest(changes) as c(change) join stock_reservation_lines l on l.reservation_id = ids[c.change]
  -- Not `> 0`: that would let the planner read the whole index of live lines when statistics say there are few.
  where l.held_milli <> 0
$$;

-- Places reservations: lines say in full how much of each SKU each location serves, consumed units included, so the same
-- request twice is the same as once, and another request moves the units. Only SKUs that are named move; what their lines
-- leave over goes to the pool.
create function stock_allocate_effects(
  changes int[], ids bigint[], line_changes int[], line_skus text[], line_locations text[], line_millis bigint[]
) returns stock_effect[] language sql as $$
  select coalesce(array_agg((b.change, b.sku, b.location_id, 0, b.milli,
      b.location_id = '' or p.sku is not null, b.location_id = '' or p.is_pooled,
      p.on_hand_milli - p.reserved_milli + s.backorder_limit_milli,
      ids[b.change], b.has_line, b.held, 0, 0, case when b.is_emptied and b.location_id in ('', b.heir) then b.heir end,
      false, null, null)::stock_effect), '{}')
  from (
    select m.change, m.sku, m.location_id, m.has_line, m.held, bool_or(m.is_named) over same_sku as is_named,
      case m.location_id when '' then -sum(m.milli) over same_sku else m.milli end as milli,
      min(m.location_id) filter (where not m.has_line and m.milli > 0) over same_sku as heir,
      bool_or(m.location_id = '' and m.has_line) over same_sku
        and sum(m.milli) over same_sku = max(m.held) filter (where m.location_id = '') over same_sku as is_emptied
    from (
      select x.change, x.sku, x.location_id, bool_or(x.is_named) as is_named, bool_or(x.has_line) as has_line,
        sum(x.held)::bigint as held,
        case x.location_id when '' then 0
          else (greatest(sum(x.asked) - sum(x.consumed), 0) - sum(x.held))::bigint end as milli
      from (
        select a.change, a.sku, a.location_id, a.milli as asked, 0 as held, 0 as consumed, true as is_named, false as has_line
          from unnest(line_changes, line_skus, line_locations, line_millis) as a(change, sku, location_id, milli)
          where a.change = any (changes)
        union all
        select a.change, a.sku, '', 0, 0, 0, true, false
          from unnest(line_changes, line_skus) as a(change, sku) where a.change = any (changes)
        union all
        select c.change, l.sku, l.location_id, 0, l.held_milli, l.consumed_milli, false, true
          from unnest(changes) as c(change) join stock_reservation_lines l on l.reservation_id = ids[c.change]
      ) x group by x.change, x.sku, x.location_id
    ) m window same_sku as (partition by m.change, m.sku)
  ) b
  join stock_skus s on s.sku = b.sku
  left join stock_positions p on p.sku = b.sku and p.location_id = b.location_id
  where b.milli <> 0 and b.is_named
$$;

-- Decides allocations among the effects of a segment and returns a row a shortage of those that are refused: `exceeds` when
-- more is placed than the reservation has, `short` when a location, or the pool that units leave a location outside of it
-- for, has too little free.
create function stock_refuse(effects stock_effect[])
returns table (change int, outcome text, missing_milli bigint, sku text, location_id text) language plpgsql as $$
#variable_conflict use_column
declare
  exceeding int[];
  fits boolean;
begin
  -- All of it fits in any order when every place has room for what the segment takes there, whatever it gives back, and
  -- nothing moves into the pool from outside of it.
  select array_agg(x.exceeding) filter (where x.exceeding is not null), bool_and(x.fits) into exceeding, fits
  from (
    select min(e.change) filter (where not e.is_fact and e.location_id = '' and e.held_before + e.held < 0) as exceeding,
      coalesce(e.location_id = '' or not bool_or(not e.is_fact)
        or (sum(greatest(e.held - e.on_hand, 0)) <= min(e.free) or not bool_or(not e.is_fact and e.held > 0))
          and (bool_and(e.is_pooled) or not bool_or(not e.is_fact and e.held < 0)), false) as fits
    from unnest(effects) e group by e.sku, e.location_id
  ) x;
  if fits and exceeding is null then return; end if;

  if exceeding is not null then
    exceeding := array(select e.change from unnest(effects) e
      where not e.is_fact and e.location_id = '' and e.held_before + e.held < 0);
    return query select e.change, 'exceeds', -e.held_before - e.held, e.sku, '' from unnest(effects) e
      where not e.is_fact and e.location_id = '' and e.held_before + e.held < 0;
    effects := array(select e from unnest(effects) e where e.change <> all (exceeding));
  end if;
  if not fits then
    return query select r.change, 'short', r.missing_milli, r.sku, r.location_id from stock_refuse_short(effects) r;
  end if;
end $$;

-- Effects with what is free where they happen, in the state before all of them.
create function stock_draws(effects stock_effect[]) returns table (
  change int, sku text, location_id text, held bigint, on_hand bigint, is_fact boolean, is_pooled boolean, free_milli bigint
) language sql stable as $$
  select e.change, e.sku, e.location_id, e.held, e.on_hand, e.is_fact,
    e.location_id = '' or coalesce(p.is_pooled, l.is_pooled, true),
    coalesce(p.on_hand_milli - p.reserved_milli, 0) + s.backorder_limit_milli
  from unnest(effects) e
  join stock_skus s on s.sku = e.sku
  left join stock_positions p on p.sku = e.sku and p.location_id = e.location_id
  left join stock_locations l on p.sku is null and l.location_id = e.location_id
$$;

-- Goes through a segment in order and returns what the allocations that do not fit lack. One that is refused takes nothing,
-- so a large one never refuses a small one behind it.
create function stock_refuse_short(effects stock_effect[])
returns table (change int, missing_milli bigint, sku text, location_id text) language plpgsql as $$
#variable_conflict use_column
declare
  draw record;
  free_milli bigint[] := '{}';
  resources int[] := '{}';
  millis bigint[] := '{}';
  is_short boolean := false;
begin
  for draw in
    with part as materialized (select * from stock_draws(effects)), taken as (
      select p.change, p.sku, p.location_id, p.held - p.on_hand as milli, p.is_fact, p.free_milli
        from part p where p.location_id <> ''
      union all
      select p.change, p.sku, '', p.held - p.on_hand, p.is_fact,
          s.on_hand_milli - s.reserved_milli + s.backorder_limit_milli
        from part p join stock_skus s on s.sku = p.sku where p.is_pooled
    )
    select t.change, t.sku, t.location_id, sum(t.milli)::bigint as milli, bool_or(t.is_fact) as is_fact,
      min(t.free_milli) as free_milli,
      dense_rank() over (order by t.sku, t.location_id)::int as resource,
      lead(t.change) over (order by t.change, t.sku, t.location_id) is distinct from t.change as is_last
    from taken t group by t.change, t.sku, t.location_id order by t.change, t.sku, t.location_id
  loop
    if free_milli[draw.resource] is null then free_milli[draw.resource] := draw.free_milli; end if;
    if not draw.is_fact and draw.milli > greatest(free_milli[draw.resource], 0) then
      is_short := true;
      change := draw.change;
      missing_milli := draw.milli - greatest(free_milli[draw.resource], 0);
      sku := draw.sku;
      location_id := draw.location_id;
      return next;
    end if;
    resources := resources || draw.resource;
    millis := millis || draw.milli;
    continue when not draw.is_last;
    if not is_short then
      for i in 1 .. cardinality(resources) loop
        free_milli[resources[i]] := free_milli[resources[i]] - millis[i];
      end loop;
    end if;
    resources := '{}';
    millis := '{}';
    is_short := false;
  end loop;
end $$;

-- Writes what effects change of reservation lines.
create function stock_write_lines(effects stock_effect[]) returns void language sql as $$
  with line as materialized (
    select e.reservation_id, e.sku, case when e.heir is null then e.location_id else '' end as location_id,
      max(e.heir) as heir, bool_or(e.has_line) as has_line,
      sum(e.held)::bigint as held, sum(e.consumed)::bigint as consumed, sum(e.released)::bigint as released
    from unnest(effects) e
    where e.reservation_id is not null and (e.held <> 0 or e.consumed <> 0)
    group by e.reservation_id, e.sku, 3
  ), updated as (
    update stock_reservation_lines l
      set location_id = coalesce(i.heir, i.location_id), held_milli = l.held_milli + i.held,
          consumed_milli = l.consumed_milli + i.consumed, released_milli = l.released_milli + i.released
      from line i
      where i.has_line and l.reservation_id = i.reservation_id and l.sku = i.sku and l.location_id = i.location_id
  )
  insert into stock_reservation_lines (reservation_id, sku, location_id, held_milli, consumed_milli, reserved_at)
    select i.reservation_id, i.sku, i.location_id, i.held, i.consumed,
      (select min(x.reserved_at) from stock_reservation_lines x where x.reservation_id = i.reservation_id)
    from line i where not i.has_line
$$;

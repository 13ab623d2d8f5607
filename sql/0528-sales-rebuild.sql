-- The views of a store's sales made anew from the log. Columns that hold what no event says stay as they are: the last numbers that were said
-- (till_days.announced, till_runs.announced_first), since when numbers are missing and who was told of it, approvals of counts, and
-- which days stir.

create type logged_sale as (xid xid8, seq bigint, key text, type text, data json);

-- Receipts, or closings and corrections, of a store after one of them. Their keys begin with the store, so that the log's own index finds them.
create function sales_of_store(key_begins text, after_key text, after_xid xid8, after_seq bigint, most integer) returns setof logged_sale
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  return query select e.xid, e.seq, e.key, e.type, e.data from events e
    where e.key ^@ key_begins and (e.key, e.xid, e.seq) > (after_key, after_xid, after_seq)
      and e.type = any(array['sale.recorded', 'till.recorded', 'sale.parked', 'sale.conflicted', 'storeDay.closing', 'storeDay.closed',
        'storeDay.corrected'])
    order by e.key, e.xid, e.seq limit most;
end $$;

-- Tills of a store that the log knows, each as the keys of its receipts begin. Found one behind another: in the order of keys 0 follows /.
create function sale_keys_of_store(key_begins text) returns setof text language sql stable set plan_cache_mode = force_custom_plan as $$
  with recursive till as (
    select (select e.key from events e where e.key ^@ key_begins order by e.key limit 1) as key
    union all
    select (select e.key from events e where e.key ^@ key_begins
      and e.key >= split_part(t.key, '/', 1) || '/' || split_part(t.key, '/', 2) || '/' || split_part(t.key, '/', 3) || '0'
      order by e.key limit 1) from till t where t.key is not null
  )
  select split_part(t.key, '/', 1) || '/' || split_part(t.key, '/', 2) || '/' || split_part(t.key, '/', 3) || '/' from till t
  where t.key is not null
$$;

-- The next day of a store of which the log or a view knows anything; null after the last. A day's key has its ten digits and dashes at its end.
create function next_sales_day(of_store text, sales_begin text, days_begin text, after_day date) returns date
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  return (select min(x.d) from (
    select (select min(r.business_day) from receipts r where r.store_id = of_store and r.business_day > after_day) as d
    union all select (select min(t.business_day) from till_days t where t.store_id = of_store and t.business_day > after_day)
    union all select (select min(s.business_day) from store_days s where s.store_id = of_store and s.business_day > after_day)
    union all select (select min(c.business_day) from store_closures c where c.store_id = of_store and c.business_day > after_day)
    union all select (select right(e.key, 10)::date from events e where e.key ^@ days_begin and length(e.key) = length(days_begin) + 10
      and e.key > days_begin || after_day::text order by e.key limit 1)
    union all select (select split_part(e.key, '/', 4)::date from events e where e.key ^@ k and e.key >= k || (after_day + 1)::text
      order by e.key limit 1) from sale_keys_of_store(sales_begin) k) x);
end $$;

-- Where the log is read into, for one transaction.
create function begin_sales_rebuild() returns void language plpgsql as $$
begin
  create temp table rebuilt_receipts (like receipts, run text, last_sequence bigint,
    primary key (store_id, till_id, epoch, business_day, sequence, digest)) on commit drop;
  create temp table rebuilt_closures (like store_closures, primary key (store_id, business_day, n)) on commit drop;
  create temp table rebuilt_closings (business_day date primary key, requested_by text, post_anyway_at timestamptz) on commit drop;
end $$;

-- From here on nothing of the store is recorded, announced or closed.
create function hold_sales(of_store text) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(of_store, 525));
  perform pg_advisory_xact_lock(hashtextextended(of_store, 521));
end $$;

-- Takes events that were read: rows of receipts as they are recorded, and closings.
create function note_rebuilt(rows json, closures json, closings json) returns void language plpgsql as $$
begin
  insert into rebuilt_receipts (store_id, till_id, epoch, business_day, sequence, document_id, digest, sent, standing, kind, status, session_id, currency,
    accounts, amounts, details, ended_at, recorded_at, run, last_sequence)
  select r.store_id, r.till_id, r.epoch, r.business_day, r.sequence, r.document_id, r.digest, r.sent, r.standing, r.kind, r.status, r.session_id, r.currency,
    r.accounts, r.amounts, r.details, r.ended_at, r.recorded_at, r.run, r.last_sequence
  from json_to_recordset(rows) as r(store_id text, till_id text, epoch text, business_day date, sequence bigint, document_id text, digest uuid,
    sent uuid, standing text, kind text, status text, session_id text, currency text, accounts text[], amounts bigint[], details jsonb,
    ended_at timestamptz, recorded_at timestamptz, run text, last_sequence bigint)
  on conflict do nothing;
  insert into rebuilt_closures
  select c ->> 'storeId', (c ->> 'businessDay')::date, (c ->> 'n')::integer, (c ->> 'zNumber')::bigint, c::jsonb
  from json_array_elements(closures) c on conflict do nothing;
  insert into rebuilt_closings
  select (c ->> 'businessDay')::date, c ->> 'requestedBy', (c ->> 'postAnywayAt')::timestamptz
  from json_array_elements(closings) c on conflict do nothing;
end $$;

-- Takes what is older than the log from the views: it stays as it is.
create function note_older_sales(of_store text, of_days date[]) returns void language plpgsql as $$
declare
  log_begins timestamptz := sales_log_begins();
begin
  insert into rebuilt_receipts
    select r.*, (select t.run from till_days t where t.store_id = r.store_id and t.business_day = r.business_day and t.till_id = r.till_id
      and split_part(t.run, '/', 1) = r.epoch limit 1), null
    from receipts r where r.store_id = of_store and r.business_day = any (of_days) and r.recorded_at < log_begins on conflict do nothing;
  insert into rebuilt_closures
    select c.* from store_closures c where c.store_id = of_store and c.business_day = any (of_days)
      and (c.closure ->> 'closedAt')::timestamptz < log_begins on conflict do nothing;
end $$;

create function sales_log_begins() returns timestamptz language plpgsql stable as $$
begin
  return coalesce((select x.before from removed_by_retention x where x.what = 'events'), '-infinity');
end $$;

-- The numbers of tills on days that were read.
create function make_till_days(of_store text, of_days date[]) returns void language plpgsql as $$
begin
  create temp table rebuilt_till_days on commit drop as
    select of_store as store_id, coalesce(r.business_day, t.business_day) as business_day, coalesce(r.till_id, t.till_id) as till_id,
      coalesce(r.run, t.run) as run, greatest(r.last_sequence, t.announced) as last_sequence,
      coalesce(r.numbers, '{}') as numbers, greatest(r.announced, t.announced) as announced
    from (select x.business_day, x.till_id, coalesce(x.run, '') as run, max(greatest(x.sequence, x.last_sequence)) as last_sequence,
        range_agg(int8range(x.sequence, x.sequence + 1)) filter (where x.run is not null) as numbers, max(x.last_sequence) as announced
      from rebuilt_receipts x where x.standing <> 'conflicting' group by 1, 2, 3) r
    full join (select * from till_days x where x.store_id = of_store and x.business_day = any (of_days)) t
      on t.business_day = r.business_day and t.till_id = r.till_id and t.run = r.run
    where r.run is not null or t.announced is not null;
end $$;

-- Compares the views of a store's day with what was read of it, and mends them unless it is a dry run. Of a day that retention has forgotten
-- only closings are there.
create function rebuild_sales_day(of_store text, of_day date, is_forgotten boolean, is_dry_run boolean)
returns table (view text, key text, was jsonb, became jsonb) language plpgsql
-- It reads a whole day, unlike what clients usually ask.
set enable_hashjoin = on
as $$
#variable_conflict use_column
begin
  if is_forgotten then
    delete from rebuilt_receipts;
    delete from rebuilt_closings;
  end if;
  perform note_older_sales(of_store, array[of_day]);
  analyze rebuilt_receipts;

  update rebuilt_receipts p set standing = 'replaced' where p.standing = 'parked' and exists (select from rebuilt_receipts r
    where (r.till_id, r.epoch, r.business_day, r.sequence) = (p.till_id, p.epoch, p.business_day, p.sequence) and r.standing = 'recorded');
  update rebuilt_receipts r set closure = c.n
    from rebuilt_closures c cross join lateral jsonb_to_recordset(c.closure -> 'took') as t("tillId" text, epoch text, "from" bigint, "to" bigint)
    where r.standing = 'recorded' and r.business_day = c.business_day and r.till_id = t."tillId" and r.epoch = t.epoch
      and r.sequence between t."from" and t."to";

  perform make_till_days(of_store, array[of_day]);
  create temp table rebuilt_days on commit drop as
    select of_store as store_id, k.business_day,
      case when z.closings > 0 then 'closed' when g.business_day is not null then 'closing' else 'open' end as state,
      coalesce(z.closings, 0) as closings, g.requested_by, coalesce(d.approvals, '{}') as approvals, g.post_anyway_at, r.heard_at,
      -- What no closing took has to be looked at.
      case when d.business_day is null and g.business_day is not null and r.is_left then r.heard_at else d.stirred_since end as stirred_since
    from (select x.business_day from rebuilt_receipts x union select x.business_day from rebuilt_closings x
      union select x.business_day from rebuilt_till_days x
      union select x.business_day from store_days x where x.store_id = of_store and x.business_day = of_day) k
    left join store_days d on d.store_id = of_store and d.business_day = k.business_day
    left join rebuilt_closings g on g.business_day = k.business_day
    left join (select x.business_day, count(*)::integer as closings from rebuilt_closures x group by 1) z on z.business_day = k.business_day
    left join (select x.business_day, max(x.recorded_at) as heard_at, bool_or(x.standing = 'recorded' and x.closure is null) as is_left
      from rebuilt_receipts x group by 1) r on r.business_day = k.business_day;
  -- Their shape is that of the views, so that whole rows can be compared.
  alter table rebuilt_receipts drop column run, drop column last_sequence;

  create temp table rebuilt_differences (view text, key jsonb, was jsonb, became jsonb) on commit drop;
  if not is_forgotten then
    insert into rebuilt_differences select 'receipts', k, was, became from (
      select coalesce(w.k, b.k) as k, w.v as was, b.v as became from
        (select receipt_key(to_jsonb(r)) as k, to_jsonb(r) as v from receipts r where r.store_id = of_store and r.business_day = of_day) w
        full join (select receipt_key(to_jsonb(r)) as k, to_jsonb(r) as v from rebuilt_receipts r) b on b.k = w.k) x
      where was is distinct from became;
    insert into rebuilt_differences select 'till_days', k, was, became from (
      select coalesce(w.k, b.k) as k, w.v as was, b.v as became from
        (select jsonb_build_array(t.business_day, t.till_id, t.run) as k, to_jsonb(t) as v from till_days t
          where t.store_id = of_store and t.business_day = of_day) w
        full join (select jsonb_build_array(t.business_day, t.till_id, t.run) as k, to_jsonb(t) as v from rebuilt_till_days t) b on b.k = w.k) x
      where was is distinct from became;
    insert into rebuilt_differences select 'store_days', k, was, became from (
      select coalesce(w.k, b.k) as k, w.v as was, b.v as became from
        (select jsonb_build_array(d.business_day) as k, to_jsonb(d) as v from store_days d
          where d.store_id = of_store and d.business_day = of_day) w
        full join (select jsonb_build_array(d.business_day) as k, to_jsonb(d) as v from rebuilt_days d) b on b.k = w.k) x
      where was is distinct from became;
  end if;
  insert into rebuilt_differences select 'store_closures', k, was, became from (
    select coalesce(w.k, b.k) as k, w.v as was, b.v as became from
      (select jsonb_build_array(c.business_day, c.n) as k, to_jsonb(c) as v from store_closures c
        where c.store_id = of_store and c.business_day = of_day) w
      full join (select jsonb_build_array(c.business_day, c.n) as k, to_jsonb(c) as v from rebuilt_closures c) b on b.k = w.k) x
    where was is distinct from became;

  if not is_dry_run then perform replace_sales(of_store, of_day); end if;
  return query select d.view, d.key::text, d.was, d.became from rebuilt_differences d order by 1, 2;
end $$;

-- Compares the numbers of a store's tills with those of its days, and mends them unless it is a dry run: then days that differ from the log are
-- made anew here, from what was read of them.
create function rebuild_till_runs(of_store text, of_days date[], since date, is_dry_run boolean)
returns table (view text, key text, was jsonb, became jsonb) language plpgsql
set enable_hashjoin = on
as $$
#variable_conflict use_column
declare
  is_cut boolean := sales_log_begins() > '-infinity'
    or exists (select from store_closures c where c.store_id = of_store and c.business_day < since);
begin
  perform note_older_sales(of_store, of_days);
  perform make_till_days(of_store, of_days);
  create temp table rebuilt_till_runs on commit drop as
    with day as (
      select d.* from rebuilt_till_days d
      union all select t.* from till_days t where t.store_id = of_store and t.business_day >= since and t.business_day <> all (of_days)
    ), own as (
      select d.till_id, d.run, range_agg(d.numbers) as numbers, max(d.last_sequence) as last_sequence, max(d.announced) as announced
      from day d where d.run <> '' group by 1, 2
    ), placed as (
      select o.*, t.first_sequence as was_first, t.outstanding as was_outstanding, t.gap_since, coalesce(t.told, '{}') as told, t.told_since,
        t.announced_first, least(lower(o.numbers), t.announced_first, case when t.run is null then o.announced end) as low
      from own o left join till_runs t on t.store_id = of_store and t.till_id = o.till_id and t.run = o.run
    ), counted as (
      select p.*, case when is_cut then least(p.was_first, p.low) else p.low end as first_sequence,
        int8multirange(int8range(p.low, p.last_sequence + 1)) - p.numbers
          + case when is_cut then p.was_outstanding * int8multirange(int8range(null, p.low)) else '{}' end as outstanding
      from placed p
    )
    select of_store as store_id, c.till_id, c.run, c.first_sequence, c.last_sequence, c.outstanding,
      case when not c.outstanding <@ c.told then coalesce(c.gap_since, now()) end as gap_since, c.told, c.told_since, c.announced_first
    from counted c;
  create temp table rebuilt_differences (view text, key jsonb, was jsonb, became jsonb) on commit drop;
  insert into rebuilt_differences select 'till_runs', k, was, became from (
    select coalesce(w.k, b.k) as k, w.v as was, b.v as became from
      (select jsonb_build_array(t.till_id, t.run) as k, to_jsonb(t) as v from till_runs t where t.store_id = of_store) w
      full join (select jsonb_build_array(t.till_id, t.run) as k, to_jsonb(t) as v from rebuilt_till_runs t) b on b.k = w.k) x
    -- All days of a run may be forgotten.
    where was is distinct from became and not (is_cut and became is null);

  if not is_dry_run then
    delete from till_runs t using rebuilt_differences d where t.store_id = of_store and d.view = 'till_runs'
      and jsonb_build_array(t.till_id, t.run) = d.key;
    insert into till_runs select (jsonb_populate_record(null::till_runs, d.became)).* from rebuilt_differences d
      where d.view = 'till_runs' and d.became is not null;
  end if;
  return query select d.view, d.key::text, d.was, d.became from rebuilt_differences d order by 1, 2;
end $$;

create function receipt_key(r jsonb) returns jsonb language sql immutable as $$
  select jsonb_build_array(r -> 'till_id', r -> 'epoch', r -> 'business_day', r -> 'sequence', r -> 'digest')
$$;

-- Puts what differs on a day in the place of what was there.
create function replace_sales(of_store text, of_day date) returns void language plpgsql as $$
begin
  delete from receipts r using rebuilt_differences d where r.store_id = of_store and r.business_day = of_day and d.view = 'receipts'
    and receipt_key(to_jsonb(r)) = d.key;
  insert into receipts select (jsonb_populate_record(null::receipts, d.became)).* from rebuilt_differences d
    where d.view = 'receipts' and d.became is not null;
  delete from till_days t using rebuilt_differences d where t.store_id = of_store and t.business_day = of_day and d.view = 'till_days'
    and jsonb_build_array(t.business_day, t.till_id, t.run) = d.key;
  insert into till_days select (jsonb_populate_record(null::till_days, d.became)).* from rebuilt_differences d
    where d.view = 'till_days' and d.became is not null;
  delete from store_days t using rebuilt_differences d where t.store_id = of_store and t.business_day = of_day and d.view = 'store_days'
    and jsonb_build_array(t.business_day) = d.key;
  insert into store_days select (jsonb_populate_record(null::store_days, d.became)).* from rebuilt_differences d
    where d.view = 'store_days' and d.became is not null;
  delete from store_closures c using rebuilt_differences d where c.store_id = of_store and c.business_day = of_day and d.view = 'store_closures'
    and jsonb_build_array(c.business_day, c.n) = d.key;
  insert into store_closures select (jsonb_populate_record(null::store_closures, d.became)).* from rebuilt_differences d
    where d.view = 'store_closures' and d.became is not null;
end $$;

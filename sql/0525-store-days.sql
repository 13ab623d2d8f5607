-- A store's day: what is missing of it, what its sessions moved, and its closing.

-- The numbers of a day's tills that have not come, as `store 117 till 3: 10442-10444 outstanding`. A gap is of the day whose number ends it,
-- or that was said to reach into it; so a number that jumped ahead on one day hides nothing of another.
create function outstanding_of_day(of_store text, of_day date) returns table (till_id text, from_sequence bigint, to_sequence bigint)
language sql stable as $$
  select d.till_id, b.first, b.last
  from till_days d
  join till_runs r on r.store_id = d.store_id and r.till_id = d.till_id and r.run = d.run
  cross join lateral unnest(r.outstanding) gap
  cross join lateral (select case
      when d.numbers @> upper(gap) then upper(gap) - 1
      when gap @> d.announced then d.announced end as last) ends
  -- What another day was said to reach up to is asked for there.
  cross join lateral (select greatest(lower(gap), max(o.announced) + 1) as first, ends.last
    from till_days o where o.store_id = d.store_id and o.till_id = d.till_id and o.run = d.run
      and o.business_day <> d.business_day and gap @> o.announced and o.announced < ends.last) b
  where d.store_id = of_store and d.business_day = of_day and ends.last is not null
  order by 1, 2
$$;

-- What each session moved by account, over everything that counts. Receipts without a session are one of their own.
create function session_sums(of_store text, of_day date)
returns table (session_id text, currency text, account text, amount bigint) language sql stable as $$
  select coalesce(r.session_id, ''), r.currency, l.account, sum(l.amount)::bigint
  from receipts r cross join lateral unnest(r.accounts, r.amounts) as l(account, amount)
  where r.store_id = of_store and r.business_day = of_day and r.standing = 'recorded'
  group by 1, 2, 3
$$;

-- The last count of each tender of each session; a count that comes again, or later, replaces the one before it.
create function last_counts(of_store text, of_day date)
returns table (session_id text, currency text, tender text, counted bigint, cashier text, approver text) language sql stable as $$
  select distinct on (1, 2, 3) coalesce(r.session_id, ''), coalesce(c ->> 'currency', r.currency), c ->> 'tender',
    (c ->> 'countedMinor')::bigint, r.details ->> 'cashier', r.details ->> 'approver'
  from receipts r cross join lateral jsonb_array_elements(r.details -> 'counts') c
  where r.store_id = of_store and r.business_day = of_day and r.standing = 'recorded' and r.details ? 'counts'
  order by 1, 2, 3, r.ended_at desc, r.sequence desc
$$;

-- Takes what no closing has taken yet into closing `closing`, and returns what it moves by kind and account.
create function take_into_closure(of_store text, of_day date, closing integer)
returns table (currency text, account text, amount bigint, receipt_count bigint, digest text, kinds text[])
language sql as $$
  with taken as (
    update receipts r set closure = closing
    where r.store_id = of_store and r.business_day = of_day and r.closure is null and r.standing = 'recorded'
    returning r.*
  ), whole as (
    select t.currency, count(*) as receipt_count,
      md5(string_agg(t.digest::text, ',' order by t.till_id, t.epoch, t.sequence)) as digest, array_agg(distinct t.kind) as kinds
    from taken t group by 1
  )
  select w.currency, s.account, s.amount, w.receipt_count, w.digest, w.kinds
  from whole w left join lateral (
    select l.account, sum(l.amount)::bigint as amount
    from taken t cross join lateral unnest(t.accounts, t.amounts) as l(account, amount)
    where t.currency = w.currency group by 1 having sum(l.amount) <> 0) s on true
  order by 1, 2
$$;

-- The numbers that a closing took, as ranges.
create function taken_by(of_store text, of_day date, closing integer)
returns table (till_id text, epoch text, from_sequence bigint, to_sequence bigint) language sql stable as $$
  select t.till_id, t.epoch, lower(g), upper(g) - 1
  from (select r.till_id, r.epoch, range_agg(int8range(r.sequence, r.sequence + 1)) as numbers from receipts r
    where r.store_id = of_store and r.business_day = of_day and r.closure = closing group by 1, 2) t
  cross join lateral unnest(t.numbers) g order by 1, 2, 3
$$;

-- What keeps a day from being whole, besides numbers that have not come: receipts that do not add up.
create function parked_of_day(of_store text, of_day date) returns table (till_id text, sequence bigint, document_id text)
language sql stable as $$
  select r.till_id, r.sequence, r.document_id from receipts r
  where r.store_id = of_store and r.business_day = of_day and r.standing = 'parked' order by 1, 2, 3
$$;

-- Sales that were suspended and that no other receipt goes on with.
create function carried_of_day(of_store text, of_day date) returns table (till_id text, sequence bigint, document_id text)
language sql stable as $$
  select r.till_id, r.sequence, r.document_id from receipts r
  where r.store_id = of_store and r.business_day = of_day and r.standing = 'recorded' and r.status = 'suspended'
    and not exists (select from receipts g where g.store_id = r.store_id and g.business_day = r.business_day and g.standing = 'recorded'
      and g.details -> 'resumes' ->> 'tillId' = r.till_id
      and (g.details -> 'resumes' ->> 'documentId' = r.document_id
        or r.document_id is null and (g.details -> 'resumes' ->> 'sequence')::bigint = r.sequence))
  order by 1, 2, 3
$$;

-- A till said which number was its last of a day: what is below it and has not come is missing.
create function announce_last(of_store text, of_day date, of_till text, of_run text, of_last bigint, now_at timestamptz)
returns void language sql as $$
  insert into till_days as t (store_id, business_day, till_id, run, last_sequence, announced)
  values (of_store, of_day, of_till, of_run, of_last, of_last)
  on conflict (store_id, business_day, till_id, run) do update set
    last_sequence = greatest(t.last_sequence, excluded.last_sequence), announced = greatest(t.announced, excluded.announced);
  insert into till_runs as t (store_id, till_id, run, first_sequence, last_sequence, outstanding, gap_since, announced_first)
  values (of_store, of_till, of_run, of_last, of_last, int8multirange(int8range(of_last, of_last + 1)), now_at, of_last)
  on conflict (store_id, till_id, run) do update set
    last_sequence = greatest(t.last_sequence, of_last),
    outstanding = t.outstanding + int8multirange(int8range(t.last_sequence + 1, greatest(t.last_sequence, of_last) + 1)),
    gap_since = case when of_last > t.last_sequence then coalesce(t.gap_since, now_at) else t.gap_since end;
$$;

-- Forgets receipts of closed days before a date, so many store days at a time. Closings stay, for they are what the books have.
create function forget_receipts(before date, most integer) returns void language plpgsql as $$
declare
  old record;
begin
  for old in select d.store_id, d.business_day from store_days d
    where d.state = 'closed' and d.business_day < before order by d.business_day limit most for update skip locked
  loop
    delete from receipts r where r.store_id = old.store_id and r.business_day = old.business_day;
    delete from till_runs r using till_days t where t.store_id = old.store_id and t.business_day = old.business_day
      and r.store_id = t.store_id and r.till_id = t.till_id and r.run = t.run and r.run like '%/%';
    delete from till_days t where t.store_id = old.store_id and t.business_day = old.business_day;
    delete from store_days d where d.store_id = old.store_id and d.business_day = old.business_day;
  end loop;
end $$;

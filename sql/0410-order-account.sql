-- The account of each order: its goods, its money and its documents in the books. Entries are written in the transaction of their
-- events and can be rebuilt from the log (rebuild_account). The order itself (lines, tenders) is not repeated here.

-- One row per event and line, tender or document. Append-only: an account has few rows, so summing them is cheaper than keeping
-- running sums.
create table order_entries (
  order_id  text not null,
  id        bigint generated always as identity,
  -- shipped: units of a line. held, taken, let go, failed: money of a tender; taken adds up for each who tells of it.
  -- taken in all: somebody states how much was taken by then. booked: a document of the books.
  what      text not null check (what in ('shipped', 'held', 'taken', 'taken in all', 'let go', 'failed', 'booked')),
  -- The line, the tender, or the document.
  part      text not null,
  -- Thousandths of a unit, or minor units of a currency.
  amount    bigint not null,
  unit      text not null,
  by        text not null,
  -- Who has the money, what kind of document.
  label     text,
  reference text,
  at        timestamptz not null,
  primary key (order_id, id)
) with (fillfactor = 100);

-- Refunds of a tender's money, returns of a line's units (they are given back: credited to the buyer) and their receipts (they are
-- back, or the buyer keeps them for good), and what goods that came back of another order pay of this one (exchange). A claim is made before money or goods move. Claims never exceed what
-- was captured or shipped, in whatever order they come.
create table order_claims (
  order_id   text not null,
  key        text not null,
  -- dispute: the buyer's bank took the money back.
  kind       text not null check (kind in ('refund', 'return', 'receipt', 'dispute', 'exchange')),
  -- The tender or the line; '' if a report does not name one.
  part       text not null,
  -- The tender a report of a refund told of; `part` follows from it and from which tenders were taken (place_refunds).
  named      text,
  amount     bigint not null check (amount > 0),
  unit       text not null,
  by         text not null,
  -- open: granted, outcome unknown. settled: given back. released: certainly not given back. failed: given back, and returned by the
  -- buyer's bank. refused: more than was left.
  state      text not null check (state in ('open', 'settled', 'released', 'failed', 'refused')),
  -- True for a claim before the fact, false for a report after it.
  is_claimed boolean not null,
  -- The amount captured or shipped at the time of the claim.
  was_there  bigint,
  -- Of a return of goods that came back: how much of the line had been given back before, so that the parts sum to the whole.
  before     bigint,
  reference  text,
  -- Reports matched to this claim: the reporter, and its number there.
  told_by    text[] not null default '{}',
  claimed_at timestamptz not null,
  settled_at timestamptz,
  primary key (order_id, key)
) with (fillfactor = 90);

-- Serialises claims and reports of one order until the transaction ends: (class 7104, hash of the order).
create function lock_account(of_order text) returns void language sql as $$
  select pg_advisory_xact_lock(7104, hashtext(of_order))
$$;

-- The captured amount by tender. Our own step, the provider and the shop may all report the same capture, so the largest sum of one
-- reporter counts. A refund can then never exceed it.
create function money_taken(of_order text) returns table (part text, unit text, amount bigint) language sql stable as $$
  select told.part, told.unit, max(told.amount)::bigint from (
    select e.part, e.unit, case when e.what = 'taken' then sum(e.amount) else max(e.amount) end as amount
    from order_entries e where e.order_id = of_order and e.what in ('taken', 'taken in all') group by e.part, e.unit, e.what, e.by) told
  group by told.part, told.unit
$$;

-- CLAIM. Grants or refuses it; a repeat of the key returns the first result. `kept`: this much of the captured amount is due to the
-- retailer and is not refunded.
create function claim_from_account(of_order text, of_kind text, of_part text, wanted bigint, in_unit text, kept bigint, who text, with_key text)
returns table (state text, was_there bigint) language plpgsql as $$
#variable_conflict use_column
declare
  there bigint;
  there_in_all bigint;
  given bigint;
  given_in_all bigint;
begin
  perform lock_account(of_order);
  return query select c.state, c.was_there from order_claims c where c.order_id = of_order and c.key = with_key;
  if found then
    return;
  end if;
  if of_kind = 'refund' then
    select coalesce(sum(t.amount) filter (where t.part = of_part), 0), coalesce(sum(t.amount), 0) into there, there_in_all
    from money_taken(of_order) t where t.unit = in_unit;
  else
    select coalesce(sum(e.amount) filter (where e.part = of_part), 0), coalesce(sum(e.amount), 0) into there, there_in_all
    from order_entries e where e.order_id = of_order and e.what = 'shipped' and e.unit = in_unit;
  end if;
  -- Refunds without a named tender may be of this one, so they count against the whole order.
  select coalesce(sum(c.amount) filter (where c.part = of_part), 0), coalesce(sum(c.amount), 0) into given, given_in_all
  from order_claims c where c.order_id = of_order and c.unit = in_unit and c.state in ('open', 'settled')
    and (c.kind = of_kind or (of_kind = 'refund' and c.kind = 'dispute'));
  return query
  insert into order_claims as c (order_id, key, kind, part, amount, unit, by, state, is_claimed, was_there, claimed_at)
  values (of_order, with_key, of_kind, of_part, wanted, in_unit, who,
    case when wanted <= least(there - given - kept, there_in_all - given_in_all) then 'open' else 'refused' end,
    true, there, clock_timestamp())
  returning c.state, c.was_there;
end $$;

-- No tender gives back more than it took.
create function claim_refund(of_order text, tender text, amount bigint, currency text, kept bigint, who text, with_key text)
returns table (state text, was_there bigint) language sql as $$
  select * from claim_from_account(of_order, 'refund', tender, amount, currency, kept, who, with_key)
$$;

-- No unit comes back twice.
create function claim_return(of_order text, line text, milli bigint, in_unit text, who text, with_key text)
returns table (state text, was_there bigint) language sql as $$
  select * from claim_from_account(of_order, 'return', line, milli, in_unit, 0, who, with_key)
$$;

-- RECEIVE. Units of a line are back, or the buyer keeps them for good: none is received twice. Units that somebody gave money for
-- before they were back (a shop that refunds at once) are taken to be these; the others are given back now, unless nothing is given
-- for them (`gives`). Less may be granted than wanted. `put_back`: so much was received by others than returns and tills, such as a shop that put goods back on a shelf.
create function claim_back(of_order text, line text, wanted bigint, in_unit text, gives boolean, who text, with_key text)
returns table (received bigint, credited bigint, before bigint, put_back bigint) language plpgsql as $$
#variable_conflict use_column
declare
  shipped bigint;
  back bigint;
  given bigint;
  others bigint;
  now_back bigint;
  now_given bigint;
begin
  perform lock_account(of_order);
  select coalesce(sum(c.amount) filter (where c.kind = 'receipt' and c.by not like 'return/%' and c.by not like 'sale/%'), 0) into others
  from order_claims c where c.order_id = of_order and c.part = line and c.unit = in_unit and c.state in ('open', 'settled');
  if exists (select from order_claims c where c.order_id = of_order and c.key = with_key) then
    return query
    select coalesce(sum(c.amount) filter (where c.kind = 'receipt' and c.state <> 'refused'), 0)::bigint,
      coalesce(sum(c.amount) filter (where c.kind = 'return'), 0)::bigint,
      coalesce(max(c.before), 0)::bigint, others
    from order_claims c where c.order_id = of_order and c.key in (with_key, with_key || ':c');
    return;
  end if;
  select coalesce(sum(e.amount), 0) into shipped
  from order_entries e where e.order_id = of_order and e.what = 'shipped' and e.part = line and e.unit = in_unit;
  select coalesce(sum(c.amount) filter (where c.kind = 'receipt'), 0), coalesce(sum(c.amount) filter (where c.kind = 'return'), 0)
  into back, given
  from order_claims c where c.order_id = of_order and c.part = line and c.unit = in_unit and c.state in ('open', 'settled');
  now_back := greatest(0, least(wanted, shipped - back));
  now_given := case when not gives then 0 else greatest(0, least(now_back - least(now_back, greatest(0, given - back)), shipped - given)) end;
  insert into order_claims (order_id, key, kind, part, amount, unit, by, state, is_claimed, was_there, claimed_at)
  values (of_order, with_key, 'receipt', line, case when now_back > 0 then now_back else wanted end, in_unit, who,
    case when now_back > 0 then 'open' else 'refused' end, true, shipped, clock_timestamp());
  if now_given > 0 then
    insert into order_claims (order_id, key, kind, part, amount, unit, by, state, is_claimed, was_there, before, claimed_at)
    values (of_order, with_key || ':c', 'return', line, now_given, in_unit, who, 'open', true, shipped, given, clock_timestamp());
  end if;
  return query select now_back, now_given, given, others;
end $$;

-- PAY. What goods that came back of other orders pay of this one, of which so much is `owed`: several returns never pay more than all
-- of it. A repeat of the key is answered as before. `left_after`: owed, and paid by none of them.
create function claim_exchange(of_order text, owed bigint, wanted bigint, currency text, who text, with_key text)
returns table (applied bigint, left_after bigint) language plpgsql as $$
#variable_conflict use_column
declare
  others bigint;
  own bigint;
begin
  perform lock_account(of_order);
  select coalesce(sum(c.amount) filter (where c.key <> with_key and c.state = 'settled'), 0),
    max(case when c.state = 'settled' then c.amount else 0 end) filter (where c.key = with_key)
  into others, own
  from order_claims c where c.order_id = of_order and c.kind = 'exchange' and c.unit = currency;
  if own is null then
    own := greatest(0, least(wanted, owed - others));
    insert into order_claims (order_id, key, kind, part, amount, unit, by, state, is_claimed, claimed_at, settled_at)
    values (of_order, with_key, 'exchange', '', case when own > 0 then own else wanted end, currency, who,
      case when own > 0 then 'settled' else 'refused' end, true, clock_timestamp(), clock_timestamp());
  end if;
  return query select own, greatest(0, owed - others - own);
end $$;

-- RELEASE. The refund or return was certainly not made, or the exchange does not pay after all. A refund or return that was settled
-- meanwhile stays settled.
create function release_claim(of_order text, with_key text) returns text language plpgsql as $$
declare
  outcome text;
begin
  perform lock_account(of_order);
  update order_claims c set state = 'released' where c.order_id = of_order and c.key = with_key
    and (c.state = 'open' or (c.kind = 'exchange' and c.state = 'settled'));
  select c.state into outcome from order_claims c where c.order_id = of_order and c.key = with_key;
  return outcome;
end $$;

-- The tender of a reported refund. `named` counts only if money was captured from it; otherwise a single captured tender is meant.
-- Null if it cannot be decided.
create function refunded_tender(of_order text, named text, in_unit text) returns text language sql stable as $$
  select coalesce(max(t.part) filter (where t.part = named), case when count(*) = 1 then max(t.part) end)
  from money_taken(of_order) t where t.unit = in_unit
$$;

-- Assigns refunds to tenders again: a refund may be reported before its capture.
create function place_refunds(of_order text) returns void language sql as $$
  update order_claims c set part = coalesce(refunded_tender(of_order, c.named, c.unit), '')
  where c.order_id = of_order and c.kind in ('refund', 'dispute') and not c.is_claimed
    and c.part <> coalesce(refunded_tender(of_order, c.named, c.unit), '')
$$;

-- SETTLE. Stores a report of a refund, dispute or return and matches it to a claim or an earlier report: by the report itself, by the
-- claim's key, by its reference, or by the same amount of the same tender, claimed or reported by somebody else at most a day before and
-- not yet reported by this reporter. A report without a match was made by somebody else. Reports of one refund may come in any order:
-- a failed refund stays failed, and a settled one is no longer pending.
create function take_report(r json, recorded timestamptz) returns void language plpgsql as $$
declare
  x record;
  known text;
  mark text;
  of_part text;
begin
  select t.*, t.by as who into x from json_to_record(r) as t("orderId" text, kind text, claim text, part text, amount bigint, unit text, by text,
    report text, reference text, failed boolean, pending boolean, payment text, at timestamptz);
  perform lock_account(x."orderId");
  mark := x.who || ' ' || x.report;
  select c.key into known from order_claims c
  where c.order_id = x."orderId" and c.kind = x.kind and (
    mark = any (c.told_by) or c.key = x.claim or (c.reference = x.reference and c.state <> 'refused'))
  order by mark = any (c.told_by) desc, c.key = x.claim desc limit 1;

  x.part := coalesce(x.part, (select e.part from order_entries e where e.order_id = x."orderId" and e.reference = x.payment limit 1));
  of_part := x.part;
  if known is null and x.kind in ('refund', 'dispute') then
    of_part := refunded_tender(x."orderId", x.part, x.unit);
  end if;
  if known is null and x.kind = 'refund' then
    select c.key into known from order_claims c
    where c.order_id = x."orderId" and c.kind = 'refund' and (c.is_claimed or c.by <> x.who) and c.state in ('open', 'settled')
      and c.amount = x.amount and c.unit = x.unit and (of_part is null or c.part = of_part)
      and (x.reference is null or c.reference is null)
      and not exists (select from unnest(c.told_by) told where starts_with(told, x.who || ' '))
      and c.claimed_at <= recorded and x.at between c.claimed_at - interval '5 min' and c.claimed_at + interval '1 day'
    order by c.claimed_at, c.key limit 1;
  end if;

  if known is not null then
    update order_claims c set state = case when x.failed then 'failed' when c.state = 'failed' then c.state
        when x.pending then case when c.state = 'released' then 'open' else c.state end else 'settled' end,
      reference = coalesce(c.reference, x.reference), settled_at = case when x.pending then c.settled_at else coalesce(c.settled_at, x.at) end,
      told_by = case when mark = any (c.told_by) then c.told_by else c.told_by || mark end
    where c.order_id = x."orderId" and c.key = known;
  else
    insert into order_claims (order_id, key, kind, part, named, amount, unit, by, state, is_claimed, reference, told_by, claimed_at, settled_at)
    values (x."orderId", coalesce(x.claim, mark), x.kind, coalesce(of_part, ''), x.part, x.amount, x.unit, x.who,
      case when x.failed then 'failed' when x.pending then 'open' else 'settled' end, false, x.reference,
      array[mark], x.at, case when x.pending then null else x.at end);
  end if;
end $$;

-- Stores the entries and reports of new events. entries: [{n,orderId,what,part, …}], reports: [{n,orderId,kind,part, …}]; only those
-- whose place is in `fresh` count.
create function note_account(entries json, reports json, fresh integer[]) returns void language plpgsql as $$
declare
  paid text[];
begin
  paid := array(
    select distinct x."orderId" from json_to_recordset(entries) as x(n integer, "orderId" text, what text)
    where x.n = any (fresh) and x.what in ('taken', 'taken in all'));
  -- Locks are taken in one order, so that two batches never deadlock.
  perform lock_account(o) from (
    select o, hashtext(o) from unnest(paid) o
    union select r ->> 'orderId', hashtext(r ->> 'orderId') from json_array_elements(reports) r where (r ->> 'n')::integer = any (fresh)
    order by 2, 1) waits;
  if json_array_length(entries) > 0 then
    insert into order_entries (order_id, what, part, amount, unit, by, label, reference, at)
    select x."orderId", x.what, x.part, x.amount, x.unit, x.by, x.label, x.reference, x.at
    from json_to_recordset(entries) as x(n integer, "orderId" text, what text, part text, amount bigint, unit text, by text, label text,
      reference text, at timestamptz)
    where x.n = any (fresh);
    -- A separate statement, because it must see reports committed while this one waited for the lock.
    perform place_refunds(o) from unnest(paid) o;
  end if;
  if json_array_length(reports) > 0 then
    perform take_report(x.r, coalesce((x.r ->> 'recordedAt')::timestamptz, clock_timestamp()))
    from (select r, n from json_array_elements(reports) with ordinality as e(r, n)
      where (r ->> 'n')::integer = any (fresh) order by hashtext(r ->> 'orderId'), n) x;
  end if;
end $$;

-- The events of an order, in the order of the log.
create function events_of_account(of_order text)
returns table (type text, fact text, source text, data json, "recordedAt" timestamptz) language sql stable as $$
  select e.type, e.fact, e.source, e.data, e.recorded_at from events e where e.key = 'order/' || of_order order by e.xid, e.seq
$$;

-- Rebuilds an account from its events, in the order of the log. `seen`: number of events read; if the log has more by now, nothing is
-- done and false is returned. Claims are not derived from events: they stay, and reports are matched to them again.
create function rebuild_account(of_order text, entries json, reports json, seen bigint) returns boolean language plpgsql as $$
declare
  is_same boolean;
begin
  perform lock_account(of_order);
  -- One statement, one snapshot: entries of an event that is not counted are not deleted either.
  with log as (
    select count(*) = seen as is_whole from events e where e.key = 'order/' || of_order
  ), gone as (
    delete from order_entries o using log where o.order_id = of_order and log.is_whole
  ) select log.is_whole into is_same from log;
  if is_same then
    delete from order_claims c where c.order_id = of_order and not c.is_claimed;
    update order_claims c set state = case when c.state in ('settled', 'failed') then 'open' else c.state end, reference = null,
      settled_at = null, told_by = '{}'
    where c.order_id = of_order and c.kind <> 'exchange';
    perform note_account(entries, reports, array(select n from generate_series(0, seen::integer) n));
  end if;
  return is_same;
end $$;

-- Everything an account holds.
create function read_account(of_order text) returns json language sql stable as $$
  select json_build_object(
    'taken', coalesce((select json_agg(t order by t.part) from money_taken(of_order) t), '[]'),
    'entries', coalesce((select json_agg(json_build_object('what', e.what, 'part', e.part, 'amount', e.amount, 'unit', e.unit, 'by', e.by,
      'label', e.label, 'reference', e.reference, 'at', e.at) order by e.id) from order_entries e where e.order_id = of_order), '[]'),
    'claims', coalesce((select json_agg(json_build_object('key', c.key, 'kind', c.kind, 'part', c.part, 'amount', c.amount, 'unit', c.unit,
      'by', c.by, 'state', c.state, 'isClaimed', c.is_claimed, 'reference', c.reference, 'toldBy', c.told_by, 'claimedAt', c.claimed_at,
      'settledAt', c.settled_at) order by c.claimed_at, c.key) from order_claims c where c.order_id = of_order), '[]'))
$$;

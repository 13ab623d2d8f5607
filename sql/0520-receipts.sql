-- Receipts of tills: which numbers came, with what content, and which are outstanding. Derived from the log, which has them whole.

create table receipts (
  store_id     text not null,
  till_id      text not null,
  epoch        text not null,
  business_day date not null,
  sequence     bigint not null,
  -- In place of a number, where the till's system gives none. It is then the epoch as well, with the one number 0.
  document_id  text,
  digest       uuid not null,
  -- Of a transaction of a file, what was sent: read by other rules later, it is still the same.
  sent         uuid,
  -- `parked` does not add up, `conflicting` has the number of another, `replaced` was parked and came again corrected.
  standing     text not null check (standing in ('recorded', 'parked', 'conflicting', 'replaced')),
  kind         text not null,
  status       text not null,
  session_id   text,
  currency     text not null,
  -- What it moves in the books, when it counts: accounts as src/rules/sales/post-receipt.ts names them, and an amount each.
  accounts     text[] not null,
  amounts      bigint[] not null,
  -- Of counts: what was counted, by whom, who approved it. Of a sale: the suspended one it goes on with.
  details      jsonb,
  ended_at     timestamptz not null,
  recorded_at  timestamptz not null,
  -- The closing of the day, or the correction, that took it into the books.
  closure      integer,
  -- By day first, so that days and numbers are found by one index: with one of its own for days the planner, while it has no statistics,
  -- found each number by reading its store's whole day.
  primary key (store_id, business_day, till_id, epoch, sequence, digest)
);
create index receipts_by_document on receipts (document_id, store_id) where document_id is not null;

-- The numbers of a till without gaps: of an epoch, or of one day where the till begins anew each day.
create table till_runs (
  store_id       text not null,
  till_id        text not null,
  run            text not null,
  first_sequence bigint not null,
  last_sequence  bigint not null,
  outstanding    int8multirange not null,
  -- Since when numbers are missing that nobody was told of, and which ones people were told of, since when. Ranges, and no highest number:
  -- a till that jumped ahead must not hide what goes missing below.
  gap_since      timestamptz,
  told           int8multirange not null default '{}',
  told_since     timestamptz,
  -- The number that somebody named before any came: the run begins there.
  announced_first bigint,
  primary key (store_id, till_id, run)
);
create index till_runs_with_gaps on till_runs (gap_since) where gap_since is not null or told_since is not null;

-- Which numbers of a till belong to a day.
create table till_days (
  store_id      text not null,
  business_day  date not null,
  till_id       text not null,
  run           text not null,
  last_sequence bigint not null,
  -- The run is '' for documents: they have no numbers, and nothing of them is outstanding.
  -- The numbers that came for it, and the last one that somebody said it has.
  numbers       int8multirange not null default '{}',
  announced     bigint,
  primary key (store_id, business_day, till_id, run)
);
create index till_days_of_run on till_days (store_id, till_id, run);

create table store_days (
  store_id       text not null,
  business_day   date not null,
  state          text not null default 'open' check (state in ('open', 'closing', 'closed')),
  closings       integer not null default 0,
  requested_by   text,
  -- Sessions whose difference a second person accepted, and who.
  approvals      jsonb not null default '{}',
  post_anyway_at timestamptz,
  -- When the last receipt of it came, and since when something waits that is to be closed or corrected.
  heard_at       timestamptz,
  stirred_since  timestamptz,
  primary key (store_id, business_day)
);
create index store_days_by_age on store_days (business_day) where state = 'closed';
create index store_days_unsettled on store_days (state, stirred_since) where state <> 'closed' or stirred_since is not null;

-- Closings and corrections, as their events say them. Never changed.
create table store_closures (
  store_id     text not null,
  business_day date not null,
  n            integer not null,
  z_number     bigint not null,
  closure      jsonb not null,
  primary key (store_id, business_day, n),
  unique (store_id, z_number)
);

create type received_receipt as (
  n integer, store_id text, till_id text, epoch text, run text, business_day date, sequence bigint, document_id text, digest uuid, is_parked boolean,
  kind text, status text, session_id text, currency text, accounts text[], amounts bigint[], details jsonb, last_sequence bigint,
  ended_at timestamptz, sent uuid
);

-- Takes a batch of receipts and says of each what became of it: `recorded`, `parked`, `conflicting`, or `known` with what it was then.
-- `first_digest` is that of the receipt whose number it has; `replaces` says that it takes the place of a parked one. `day_state` says whether its day is over.
create function record_receipts(input json, now_at timestamptz)
returns table (n integer, outcome text, standing text, first_digest uuid, replaces boolean, day_state text)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  given received_receipt[] := array(select r from json_populate_recordset(null::received_receipt, input) r);
begin
  -- While the views of a store are compared with the log, nothing of it is recorded.
  perform pg_advisory_xact_lock_shared(hashtextextended(l.store_id, 521))
    from (select distinct g.store_id from unnest(given) g order by 1) l;
  -- One batch of a till at a time, or two tabs that send one number would not see each other.
  perform pg_advisory_xact_lock(hashtextextended(l.till, 520))
    from (select distinct g.store_id || '/' || g.till_id as till from unnest(given) g order by 1) l;

  return query
  with ranked as (
    select g.*,
      row_number() over (partition by g.store_id, g.till_id, g.epoch, g.business_day, g.sequence, g.digest order by g.n) as copy,
      first_value(g.digest) over (partition by g.store_id, g.till_id, g.epoch, g.business_day, g.sequence order by g.is_parked, g.n) as leader
    from unnest(given) g
  ), judged as (
    select r.*, same.standing as was, winner.digest as winner, parked.digest as parked,
      case
        when same.standing is not null or r.copy > 1 then 'known'
        when winner.digest is not null or r.leader <> r.digest then 'conflicting'
        when r.is_parked then 'parked'
        else 'recorded'
      end as becomes
    from ranked r
    left join lateral (select k.standing from receipts k where k.store_id = r.store_id and k.till_id = r.till_id and k.epoch = r.epoch
      and k.business_day = r.business_day and k.sequence = r.sequence
      and (k.digest = r.digest or (k.sent = r.sent and k.standing in ('recorded', 'conflicting'))) limit 1) same on true
    -- A parked one gives its number to one that adds up.
    left join lateral (select k.digest from receipts k where k.store_id = r.store_id and k.till_id = r.till_id and k.epoch = r.epoch
      and k.business_day = r.business_day and k.sequence = r.sequence
      and (k.standing = 'recorded' or (k.standing = 'parked' and r.is_parked)) limit 1) winner on true
    left join lateral (select k.digest from receipts k where k.store_id = r.store_id and k.till_id = r.till_id and k.epoch = r.epoch
      and k.business_day = r.business_day and k.sequence = r.sequence and k.standing = 'parked' limit 1) parked on true
  ), replaced as (
    update receipts k set standing = 'replaced' from judged j
    where j.becomes = 'recorded' and k.store_id = j.store_id and k.till_id = j.till_id and k.epoch = j.epoch
      and k.business_day = j.business_day and k.sequence = j.sequence and k.standing = 'parked'
  ), kept as (
    insert into receipts (store_id, till_id, epoch, business_day, sequence, document_id, digest, standing, kind, status, session_id, currency,
      accounts, amounts, details, ended_at, recorded_at, sent)
    select j.store_id, j.till_id, j.epoch, j.business_day, j.sequence, j.document_id, j.digest, j.becomes, j.kind, j.status, j.session_id, j.currency,
      case when j.becomes = 'recorded' then j.accounts else '{}' end, case when j.becomes = 'recorded' then j.amounts else '{}' end,
      j.details, j.ended_at, now_at, j.sent
    from judged j where j.becomes <> 'known'
  ), runs as (
    insert into till_runs as t (store_id, till_id, run, first_sequence, last_sequence, outstanding, gap_since)
    select u.*, case when not isempty(u.outstanding) then now_at end from (
      select j.store_id, j.till_id, j.run, min(j.sequence), max(greatest(j.sequence, j.last_sequence)),
        int8multirange(int8range(min(j.sequence), max(greatest(j.sequence, j.last_sequence)) + 1))
          - range_agg(int8range(j.sequence, j.sequence + 1)) as outstanding
      from judged j where j.becomes in ('recorded', 'parked') and j.run is not null group by 1, 2, 3 order by 1, 2, 3) u
    on conflict (store_id, till_id, run) do update set
      first_sequence = least(t.first_sequence, excluded.first_sequence),
      last_sequence = greatest(t.last_sequence, excluded.last_sequence),
      outstanding = still_outstanding(t, excluded),
      gap_since = case when not still_outstanding(t, excluded) <@ t.told then coalesce(t.gap_since, now_at) end
  ), tills as (
    insert into till_days as t (store_id, business_day, till_id, run, last_sequence, numbers, announced)
    select j.store_id, j.business_day, j.till_id, coalesce(j.run, ''), max(greatest(j.sequence, j.last_sequence)),
      coalesce(range_agg(int8range(j.sequence, j.sequence + 1)) filter (where j.run is not null), '{}'), max(j.last_sequence)
    from judged j where j.becomes in ('recorded', 'parked') group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (store_id, business_day, till_id, run) do update set
      last_sequence = greatest(t.last_sequence, excluded.last_sequence), numbers = t.numbers + excluded.numbers,
      announced = greatest(t.announced, excluded.announced)
  ), days as (
    insert into store_days as d (store_id, business_day, heard_at)
    select distinct j.store_id, j.business_day, now_at from judged j where j.becomes <> 'known' order by 1, 2
    on conflict (store_id, business_day) do update set
      heard_at = greatest(d.heard_at, now_at), stirred_since = case when d.state <> 'open' then coalesce(d.stirred_since, now_at) end
    returning d.store_id, d.business_day, d.state
  )
  select j.n, j.becomes, coalesce(j.was, case when j.becomes = 'known' then case when j.is_parked then 'parked' else 'recorded' end else j.becomes end),
    coalesce(j.winner, j.leader), j.becomes = 'recorded' and j.parked is not null, coalesce(d.state, 'open')
  from judged j left join days d on d.store_id = j.store_id and d.business_day = j.business_day
  order by j.n;
end $$;

-- The numbers of a run that are still missing after a batch; what is between two batches is missing, too.
create function still_outstanding(had till_runs, came till_runs) returns int8multirange language sql immutable as $$
  select had.outstanding
    + int8multirange(int8range(had.last_sequence + 1, greatest(had.last_sequence, came.last_sequence) + 1),
        int8range(least(had.first_sequence, came.first_sequence), had.first_sequence))
    - (int8multirange(int8range(came.first_sequence, came.last_sequence + 1)) - came.outstanding)
$$;

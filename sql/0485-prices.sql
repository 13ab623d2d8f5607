-- Prices, derived from the log: one row a record of a source, with the price as it was said.

create table prices (
  source     text not null,
  record     text not null,
  product_id text not null,
  layer      text not null check (layer in ('owned', 'override')),
  type       text not null,
  price      jsonb not null,
  valid_from  timestamptz,
  valid_until timestamptz,
  -- Its source took it away.
  ended_at   timestamptz,
  rule       text not null,
  policy     text not null,
  at         timestamptz not null,
  fact       text not null,
  primary key (source, record)
);
create index prices_product on prices (product_id) where ended_at is null;
create index prices_ended on prices (ended_at) where ended_at is not null;
-- The calendar: what begins and what ends.
create index prices_from on prices (valid_from, source, record) where ended_at is null and valid_from is not null;
create index prices_until on prices (valid_until, source, record) where ended_at is null and valid_until is not null;

-- What a channel showed to buyers, and from when on. The base of claims about the lowest price; a year is more than any law looks back.
create table prices_shown (
  product_id   text not null,
  channel      text not null,
  market       text not null default '',
  shown_at     timestamptz not null,
  amount_minor bigint not null,
  currency     text not null,
  primary key (product_id, channel, market, shown_at)
);
create index prices_shown_old on prices_shown (shown_at);

-- Notes what events say of prices. Repeated, it changes nothing; what a source said earlier never replaces what it said later.
create function note_prices(changes json, shown json) returns void language plpgsql as $$
begin
  insert into prices as p (source, record, product_id, layer, type, price, valid_from, valid_until, rule, policy, at, fact)
  select distinct on (c.source, c.record)
    c.source, c.record, c.product_id, c.layer, c.price ->> 'type', c.price, (c.price #>> '{validity,from}')::timestamptz,
    (c.price #>> '{validity,until}')::timestamptz, c.rule, c.policy, c.at, c.fact
  from json_to_recordset(changes) as c (n integer, source text, record text, product_id text, layer text, price jsonb, rule text,
    policy text, at timestamptz, fact text)
  where c.price is not null
  order by c.source, c.record, c.at desc, c.n desc
  on conflict (source, record) do update set product_id = excluded.product_id, layer = excluded.layer, type = excluded.type,
    price = excluded.price, valid_from = excluded.valid_from, valid_until = excluded.valid_until, ended_at = null,
    rule = excluded.rule, policy = excluded.policy, at = excluded.at, fact = excluded.fact
  where excluded.at >= p.at and excluded.fact <> p.fact;

  update prices p set ended_at = e.at, at = e.at, rule = e.rule, policy = e.policy, fact = e.fact
  from (select distinct on (c.source, c.record) c.*
    from json_to_recordset(changes) as c (n integer, source text, record text, ended boolean, rule text, policy text, at timestamptz, fact text)
    order by c.source, c.record, c.at desc, c.n desc) e
  where e.ended and (p.source, p.record) = (e.source, e.record) and e.at >= p.at;

  insert into prices_shown (product_id, channel, market, shown_at, amount_minor, currency)
  select s.product_id, s.channel, coalesce(s.market, ''), s.at, s.amount_minor, s.currency
  from json_to_recordset(shown) as s (product_id text, channel text, market text, at timestamptz, amount_minor bigint, currency text)
  order by 1, 2, 3, 4
  on conflict (product_id, channel, market, shown_at) do update set amount_minor = excluded.amount_minor, currency = excluded.currency;
end $$;

-- Forgets prices whose source took them away long ago; the log has kept them as long as it keeps anything.
create function forget_ended_prices(before timestamptz, most integer) returns integer language sql as $$
  with gone as (
    delete from prices where (source, record) in (select source, record from prices where ended_at < before limit most) returning 1
  )
  select count(*)::integer from gone
$$;

-- Forgets what was shown long ago, but never the last price before the window: it may still stand.
create function forget_prices_shown(before timestamptz, most integer) returns integer language sql as $$
  with old as (
    select s.product_id, s.channel, s.market, s.shown_at from prices_shown s
    where s.shown_at < before and exists (select from prices_shown later
      where (later.product_id, later.channel, later.market) = (s.product_id, s.channel, s.market)
        and later.shown_at > s.shown_at and later.shown_at < before)
    order by s.shown_at limit most
  ), gone as (
    delete from prices_shown s using old where (s.product_id, s.channel, s.market, s.shown_at) =
      (old.product_id, old.channel, old.market, old.shown_at) returning 1
  )
  select count(*)::integer from gone
$$;

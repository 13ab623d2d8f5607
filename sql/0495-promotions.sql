-- Promotions, derived from the log.

create table promotions (
  promotion_id text primary key,
  promotion    jsonb not null,
  valid_from   timestamptz,
  valid_until  timestamptz,
  ended_at     timestamptz,
  said_by      text not null,
  rule         text not null,
  policy       text not null,
  at           timestamptz not null,
  fact         text not null
);
create index promotions_live on promotions (valid_until, promotion_id) where ended_at is null;

-- Notes what events say of promotions; rows come in the order of the log. Repeated, it changes nothing.
create function note_promotions(changes json) returns void language sql as $$
  with said as (
    select distinct on (c.promotion_id) * from json_to_recordset(changes) as c (n integer, promotion_id text, promotion jsonb, ended boolean,
      said_by text, rule text, policy text, at timestamptz, fact text)
    order by c.promotion_id, c.at desc, c.n desc
  ), ended as (
    update promotions p set ended_at = s.at, said_by = s.said_by, rule = s.rule, policy = s.policy, at = s.at, fact = s.fact
    from said s where s.ended and p.promotion_id = s.promotion_id and s.at >= p.at
  )
  insert into promotions as p (promotion_id, promotion, valid_from, valid_until, said_by, rule, policy, at, fact)
  select s.promotion_id, s.promotion, (s.promotion #>> '{validity,from}')::timestamptz, (s.promotion #>> '{validity,until}')::timestamptz,
    s.said_by, s.rule, s.policy, s.at, s.fact
  from said s where s.promotion is not null
  on conflict (promotion_id) do update set promotion = excluded.promotion, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
    ended_at = null, said_by = excluded.said_by, rule = excluded.rule, policy = excluded.policy, at = excluded.at, fact = excluded.fact
  where excluded.at >= p.at and excluded.fact <> p.fact
$$;

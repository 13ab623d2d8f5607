-- Figures of the business: counters by the hour, and how many objects are in which state.
--
-- What is no event (a delivery, a call to another system) is counted in the transaction that stores it. What events say is counted by one
-- reader of the log, in the transaction that moves its position: each event counts once, and a rebuild gives the same figures.

create table figures (
  name    text not null,
  hour    timestamptz not null,
  -- '' where a figure has none, or it is not known.
  channel text not null default '',
  place   text not null default '',
  label   text not null,
  -- Who counted: a process, whose rows of past hours are merged into those of ''; or 'log', made again by a rebuild.
  process text not null,
  value   bigint not null,
  primary key (name, hour, channel, place, label, process)
) with (fillfactor = 50);
-- For merging only: rows of 'log' and merged rows are not in it.
create index figures_of_processes on figures (hour) where process not in ('', 'log');

-- Processes count in rows of their own and never wait for each other. What changes its outcome later is taken back from the hour that
-- it was counted in (`msAgo`), so that no hour becomes negative.
create function count_figures(input json) returns void language sql as $$
  insert into figures as f (hour, name, label, process, value)
  select date_trunc('hour', clock_timestamp() - coalesce(x."msAgo", 0) * interval '1 ms'), x.name, x.label,
    current_setting('application_name'), sum(x.by)
  from json_to_recordset(input) as x(name text, label text, by bigint, "msAgo" float8) group by 1, 2, 3 order by 2, 1, 3
  on conflict (name, hour, channel, place, label, process) do update set value = f.value + excluded.value
$$;

-- Merges the rows of past hours.
create function fold_figures() returns void language sql as $$
  with old as (
    delete from figures where hour < date_trunc('hour', clock_timestamp()) - interval '1 hour' and process not in ('', 'log') returning *
  )
  insert into figures as f (hour, name, channel, place, label, process, value)
  select hour, name, channel, place, label, '', sum(value) from old group by 1, 2, 3, 4, 5 order by 2, 1, 3, 4, 5
  on conflict (name, hour, channel, place, label, process) do update set value = f.value + excluded.value
$$;

-- What the reader of the log knows of an object that it counts: which counter it is in, and what of it was counted already.
create table figure_objects (
  ref         text primary key,
  kind        text not null,
  -- Null while it has none: an exception, an order of which only a return is known.
  state       text,
  is_final    boolean not null default false,
  channel     text not null default '',
  place       text not null default '',
  -- Where it was sold or is collected: shares of orders are by this place, which never changes.
  sold_at     text not null default '',
  payment     text not null default '',
  currency    text not null default '',
  value_minor bigint not null default 0,
  opened_at   timestamptz not null,
  since       timestamptz not null,
  -- Which of its states it shows: an older one that comes late changes nothing.
  version     text,
  -- When goods of it left first, and when its money was asked back.
  left_at     timestamptz,
  asked_at    timestamptz,
  -- What counts once for an object: 'released', 'shipped' …
  counted     text[] not null default '{}'
) with (fillfactor = 80);

-- How many objects that were opened in an hour are in which state now. Objects that have ended stand here too: what became of an hour's
-- orders. Currencies stand apart.
create table business_states (
  kind        text not null,
  state       text not null,
  hour        timestamptz not null,
  channel     text not null,
  place       text not null,
  currency    text not null,
  is_final    boolean not null,
  count       bigint not null,
  value_minor bigint not null,
  primary key (kind, state, hour, channel, place, currency)
) with (fillfactor = 70);
create index business_states_open on business_states (kind, hour) where not is_final;
create index business_states_ended on business_states (hour) where is_final;

-- Stores what the reader counted from a batch of events. Sorted, although one transaction does this at a time.
create function keep_figures(objects json, counts json, moves json) returns void language plpgsql as $$
begin
  insert into figure_objects as o (ref, kind, state, is_final, channel, place, sold_at, payment, currency, value_minor, opened_at, since,
    version, left_at, asked_at, counted)
  select x.ref, x.kind, x.state, x."isFinal", x.channel, x.place, x."soldAt", x.payment, x.currency, x."valueMinor", x."openedAt", x.since,
    x.version, x."leftAt", x."askedAt",
    array(select json_array_elements_text(x.counted))
  from json_to_recordset(objects) as x(ref text, kind text, state text, "isFinal" boolean, channel text, place text, "soldAt" text, payment text,
    currency text, "valueMinor" bigint, "openedAt" timestamptz, since timestamptz, version text, "leftAt" timestamptz,
    "askedAt" timestamptz, counted json)
  on conflict (ref) do update set state = excluded.state, is_final = excluded.is_final, channel = excluded.channel, place = excluded.place, sold_at = excluded.sold_at,
    payment = excluded.payment, currency = excluded.currency, value_minor = excluded.value_minor, opened_at = excluded.opened_at,
    since = excluded.since, version = excluded.version, left_at = excluded.left_at, asked_at = excluded.asked_at, counted = excluded.counted;

  insert into figures as f (name, hour, channel, place, label, process, value)
  select x.name, x.hour, x.channel, x.place, x.label, 'log', x.by
  from json_to_recordset(counts) as x(name text, hour timestamptz, channel text, place text, label text, by bigint)
  on conflict (name, hour, channel, place, label, process) do update set value = f.value + excluded.value;

  insert into business_states as s (kind, state, hour, channel, place, currency, is_final, count, value_minor)
  select x.kind, x.state, x.hour, x.channel, x.place, x.currency, x."isFinal", x.count, x."valueMinor"
  from json_to_recordset(moves) as x(kind text, state text, hour timestamptz, channel text, place text, currency text, "isFinal" boolean,
    count bigint, "valueMinor" bigint)
  on conflict (kind, state, hour, channel, place, currency) do update set count = s.count + excluded.count,
    value_minor = s.value_minor + excluded.value_minor, is_final = excluded.is_final;

  delete from business_states s using json_to_recordset(moves) as x(kind text, state text, hour timestamptz, channel text, place text, currency text)
  where (s.kind, s.state, s.hour, s.channel, s.place, s.currency) = (x.kind, x.state, x.hour, x.channel, x.place, x.currency) and s.count = 0;
end $$;

-- Forgets what was counted from the log and lets its reader begin again. Figures are kept as long as the log (retain_figures), so that
-- there is none that cannot be counted again.
create function rebuild_figures(reader text) returns void language plpgsql as $$
begin
  -- The reader's transactions begin with this row.
  update subscriptions set xid = '0', seq = 0, updated_at = now() where name = reader;
  delete from figures where process = 'log';
  delete from business_states;
  delete from figure_objects;
end $$;

-- When the first event came that the reader has not counted; null when it has counted all.
create function counted_until(reader text) returns timestamptz language sql stable as $$
  select (select e.recorded_at from events e where (e.xid, e.seq) > (s.xid, s.seq) order by e.xid, e.seq limit 1)
  from subscriptions s where s.name = reader
$$;

-- Figures of the time before Crossdock, as somebody imported them.
create table figure_baselines (
  figure      text not null,
  -- The dimension that it is of: '' all, 'channel', 'place', 'region'.
  dimension   text not null,
  of          text not null,
  from_day    date not null,
  until_day   date not null,
  value       float8 not null,
  currency    text not null default '',
  note        text not null default '',
  imported_by text not null,
  imported_at timestamptz not null default now(),
  primary key (figure, dimension, of, currency)
);

-- Weekly reports that were mailed, by whom they went to.
create table weekly_reports (
  week       text not null,
  address    text not null,
  claimed_at timestamptz not null,
  sent_at    timestamptz,
  primary key (week, address)
);

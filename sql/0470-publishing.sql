-- What every channel shows. One row per channel, aspect (stock, price, product), item (the SKU) and scope (the place of stock, the market of
-- a price, the field of a product): what it should show,
-- what was sent, what the channel accepted, what was seen there.

create table published_rows (
  channel      text not null,
  aspect       text not null,
  item         text not null,
  scope        text not null default '',
  state        text not null default 'waiting' check (state in ('unmapped', 'waiting', 'due', 'sent', 'accepted', 'live', 'unknown',
    'stale', 'drifted', 'refused', 'derived', 'held', 'withdrawing', 'gone')),
  -- Triggers raise `marks` and nothing else; whoever computes the value notes how many it has seen. So no mark is lost.
  marks        bigint not null default 0,
  assessed     bigint not null default 0,
  -- The first change that the channel does not show yet.
  changed_at   timestamptz,
  -- The last mark.
  marked_at    timestamptz,
  -- When something is to be done without a mark. Of a call under way: when it counts as lost.
  due_at       timestamptz,
  -- 0 withdrawals, 1 to zero, 2 falls, 3 rises and new ones; within a rank by risk.
  rank         smallint not null default 3,
  risk         double precision not null default 0,
  -- The channel is read before anything is written.
  needs_look   boolean not null default true,
  version      bigint not null default 0,
  desired      jsonb,
  effective_at timestamptz,
  why          jsonb,
  sent_version bigint,
  sent_key     text,
  sent         jsonb,
  sent_at      timestamptz,
  -- The channel's own id of the item.
  ref          text,
  accepted_at  timestamptz,
  observed     jsonb,
  -- What a compare-and-set needs besides the value, and what the channel says of its own open orders.
  token        jsonb,
  observed_at  timestamptz,
  observed_by  text,
  cause        text,
  held_by      text check (held_by in ('person', 'owner', 'guard')),
  -- A value that people adopted from the channel: it is shown at most.
  pinned       jsonb,
  attempts     integer not null default 0,
  -- Edits by others that were overwritten, since when.
  edits        integer not null default 0,
  edits_since  timestamptz,
  -- What people decided of it, counted: who read the row before writes over none of it.
  decisions    bigint not null default 0,
  -- The open exception about it, and how many are over.
  case_id      text,
  cases        integer not null default 0,
  primary key (channel, aspect, item, scope)
) with (fillfactor = 70);
-- Changes that are not shown yet, the oldest first, and marks without a moment after them.
create index published_rows_changed on published_rows (channel, aspect, changed_at)
  where marks > assessed or changed_at is not null and due_at is not null;
create index published_rows_due on published_rows (channel, aspect, rank, due_at) where due_at is not null;
create index published_rows_ref on published_rows (channel, ref) where ref is not null;
create index published_rows_case on published_rows (case_id) where case_id is not null;
create index published_rows_odd on published_rows (channel, aspect, state, item, scope)
  where state not in ('waiting', 'due', 'sent', 'live', 'gone');

-- One worker at a time publishes to a channel. Where the rolling walk over its rows stands.
create table published_channels (
  channel      text not null,
  aspect       text not null,
  leased_by    text,
  leased_until timestamptz,
  -- What was declared when all rows were last marked.
  declared     text,
  -- A channel that refused most of a call: how often in a row, until when it is left alone, and the open exception about it.
  stops        integer not null default 0,
  stopped_until timestamptz,
  case_id      text,
  walk_item    text,
  walk_scope   text,
  walk_began   timestamptz,
  walk_ended   timestamptz,
  -- The load under way, or the last one: since when, of how many rows, and when none of them was left.
  load_began   timestamptz,
  load_rows    bigint not null default 0,
  load_ended   timestamptz,
  primary key (channel, aspect)
);

-- How long changes took to be shown, by hour: counts by class of time, the n-th class up to 100 ms × 2^n.
create table published_ages (
  channel text not null,
  aspect  text not null,
  hour    timestamptz not null,
  counts  integer[] not null,
  primary key (channel, aspect, hour)
);

-- Moments at which values changed by the clock: how many rows of a channel, and when the first and the last of them were shown.
create table published_moments (
  moment   timestamptz not null,
  channel  text not null,
  aspect   text not null,
  rows     integer not null,
  first_at timestamptz not null,
  last_at  timestamptz not null,
  primary key (moment, channel, aspect)
);

create function publish_note_moments(for_channel text, for_aspect text, now timestamptz, moments timestamptz[]) returns void
language sql as $$
  insert into published_moments as p (moment, channel, aspect, rows, first_at, last_at)
  select m, for_channel, for_aspect, count(*)::integer, now, now from unnest(moments) m group by m order by m
  on conflict (moment, channel, aspect) do update
    set rows = p.rows + excluded.rows, first_at = least(p.first_at, excluded.first_at), last_at = greatest(p.last_at, excluded.last_at)
$$;

-- Marks items of channels. One that the channel does not have, or works out itself, waits for its next look: its stock changes all day.
create function publish_mark(
  for_channels text[], for_scopes text[], for_aspect text, items text[], ats timestamptz[], is_forced boolean default false
) returns bigint language sql as $$
  with marked as (
    insert into published_rows as p (channel, aspect, item, scope, marks, changed_at, marked_at)
    select c.channel, for_aspect, i.item, c.scope, 1, i.at, i.at
    from unnest(for_channels, for_scopes) as c(channel, scope) cross join unnest(items, ats) as i(item, at)
    order by 1, 3, 4
    on conflict (channel, aspect, item, scope) do update
      set marks = p.marks + 1, changed_at = coalesce(p.changed_at, excluded.changed_at), marked_at = excluded.marked_at,
        needs_look = p.needs_look or is_forced
      where is_forced or p.state not in ('unmapped', 'derived', 'gone')
    returning 1
  ) select count(*) from marked
$$;

-- Takes the lease, or makes it longer; returns how the channel stands. No row when another worker has it.
create function publish_lease(for_channel text, for_aspect text, worker text, ms integer) returns setof published_channels language sql as $$
  insert into published_channels as c (channel, aspect, leased_by, leased_until)
  values (for_channel, for_aspect, worker, clock_timestamp() + ms * interval '1 ms')
  on conflict (channel, aspect) do update set leased_by = worker, leased_until = excluded.leased_until
    where c.leased_by = worker or c.leased_until is null or c.leased_until < clock_timestamp()
  returning c.*
$$;

-- Adds one batch to the ages of its hour.
create function publish_note_ages(for_channel text, for_aspect text, at timestamptz, classes integer[]) returns void language sql as $$
  insert into published_ages as a (channel, aspect, hour, counts)
  select for_channel, for_aspect, date_trunc('hour', at at time zone 'UTC') at time zone 'UTC',
    array(select (select count(*) from unnest(classes) c where c = n)::integer from generate_series(0, 19) n)
  on conflict (channel, aspect, hour) do update
    set counts = array(select coalesce(o, 0) + coalesce(x, 0) from unnest(a.counts, excluded.counts) as t(o, x))
$$;

-- A row as the program knows it.
create function published_json(r published_rows) returns json language sql stable as $$
  select json_build_object('channel', r.channel, 'aspect', r.aspect, 'item', r.item, 'scope', r.scope, 'state', r.state,
    'marks', r.marks, 'assessed', r.assessed, 'changedAt', r.changed_at, 'dueAt', r.due_at, 'rank', r.rank, 'risk', r.risk,
    'needsLook', r.needs_look, 'version', r.version, 'desired', r.desired, 'effectiveAt', r.effective_at, 'why', r.why,
    'sentVersion', r.sent_version, 'sentKey', r.sent_key, 'sent', r.sent, 'sentAt', r.sent_at, 'ref', r.ref,
    'acceptedAt', r.accepted_at, 'observed', r.observed, 'token', r.token, 'observedAt', r.observed_at,
    'observedBy', r.observed_by, 'cause', r.cause, 'heldBy', r.held_by, 'pinned', r.pinned, 'attempts', r.attempts,
    'edits', r.edits, 'editsSince', r.edits_since, 'decisions', r.decisions, 'caseId', r.case_id, 'cases', r.cases)
$$;

-- Writes rows back. A mark that came meanwhile counts, and so does its moment; a look that was asked for meanwhile, too. What a person
-- decided meanwhile stands; returns those rows. In the order of publish_mark, so that neither waits for the other.
create function publish_write(rows json) returns table (item text, scope text) language sql as $$
  with written as (
    update published_rows r set assessed = x.assessed,
      changed_at = case when r.marks > x.marks then coalesce(x."changedAt", r.marked_at) else x."changedAt" end,
      version = x.version, desired = x.desired, effective_at = x."effectiveAt", why = x.why, sent_version = x."sentVersion",
      sent_key = x."sentKey", sent = x.sent, sent_at = x."sentAt", ref = x.ref, accepted_at = x."acceptedAt",
      observed = x.observed, token = x.token, observed_at = x."observedAt", observed_by = x."observedBy",
      needs_look = x."needsLook" or r.marks > x.marks and r.needs_look,
      case_id = case when x."caseIsNews" then x."caseId" else r.case_id end, cases = greatest(r.cases, x.cases),
      (state, due_at, rank, risk, cause, held_by, pinned, attempts, edits, edits_since) = (
        select x.state, x."dueAt", x.rank, x.risk, left(x.cause, 500), x."heldBy", x.pinned, x.attempts, x.edits, x."editsSince"
          where r.decisions = x.decisions
        union all
        select r.state, r.due_at, r.rank, r.risk, r.cause, r.held_by, r.pinned, r.attempts, r.edits, r.edits_since
          where r.decisions <> x.decisions)
    from (select * from json_to_recordset(rows) as n (
      channel text, aspect text, item text, scope text, state text, marks bigint, assessed bigint, "changedAt" timestamptz,
      "dueAt" timestamptz, rank smallint, risk double precision, "needsLook" boolean, version bigint, desired jsonb,
      "effectiveAt" timestamptz, why jsonb, "sentVersion" bigint, "sentKey" text, sent jsonb, "sentAt" timestamptz, ref text,
      "acceptedAt" timestamptz, observed jsonb, token jsonb, "observedAt" timestamptz, "observedBy" text, cause text,
      "heldBy" text, pinned jsonb, attempts integer, edits integer, "editsSince" timestamptz, decisions bigint, "caseId" text,
      "caseIsNews" boolean, cases integer) order by n.channel, n.aspect, n.item, n.scope) x
    where (r.channel, r.aspect, r.item, r.scope) = (x.channel, x.aspect, x.item, x.scope)
    returning r.item, r.scope, r.decisions <> x.decisions as is_decided
  ) select w.item, w.scope from written w where w.is_decided
$$;

-- What channels say they show. An echo of what we know or just wrote is no news; anything else is looked at. Returns how many are.
create function publish_note_shown(
  for_channels text[], refs text[], scopes text[], values_milli bigint[], ats timestamptz[]
) returns bigint language sql as $$
  with said as (
    select distinct on (s.channel, s.ref, s.scope) s.*
    from unnest(for_channels, refs, scopes, values_milli, ats) as s(channel, ref, scope, milli, at) order by s.channel, s.ref, s.scope, s.at desc
  ), noted as (
    update published_rows r set
      marks = r.marks + n.news, needs_look = r.needs_look or n.news = 1, marked_at = case n.news when 1 then n.at else r.marked_at end,
      observed_at = case n.news when 1 then r.observed_at else greatest(r.observed_at, n.at) end
    from (
      select p.channel, p.aspect, p.item, p.scope, s.at,
        case when p.observed = to_jsonb(s.milli) or p.sent = to_jsonb(s.milli) and p.state in ('sent', 'unknown', 'stale') then 0 else 1 end as news
      from said s join published_rows p on p.channel = s.channel and p.ref = s.ref and p.scope = s.scope and p.aspect = 'stock'
      order by p.channel, p.item, p.scope
    ) n
    where (r.channel, r.aspect, r.item, r.scope) = (n.channel, n.aspect, n.item, n.scope)
    returning n.news
  ) select coalesce(sum(news), 0)::bigint from noted
$$;

-- Marks the rows of a channel that there are, a part at a time, after the last key of the part before. Returns the last key.
create function publish_mark_rows(for_channel text, for_aspect text, after_item text, after_scope text, most integer)
returns table (item text, scope text) language sql as $$
  with part as materialized (
    select p.channel, p.aspect, p.item, p.scope from published_rows p where p.channel = for_channel and p.aspect = for_aspect
      and (p.item, p.scope) > (after_item, after_scope) order by p.item, p.scope limit most
  ), marked as (
    update published_rows r set marks = r.marks + 1 from part
    where (r.channel, r.aspect, r.item, r.scope) = (part.channel, part.aspect, part.item, part.scope)
  )
  select part.item, part.scope from part order by 1 desc, 2 desc limit 1
$$;

-- The rolling walk: the next rows in their order are read back. At the end it begins anew.
create function publish_audit(for_channel text, for_aspect text, most integer, now timestamptz) returns integer language plpgsql as $$
declare
  walk published_channels;
  last record;
  found_rows integer;
begin
  select * into walk from published_channels where channel = for_channel and aspect = for_aspect for update;
  if not found then
    return 0;
  end if;
  -- Before it asks for rows itself, which look as those of a load do.
  if walk.load_began is not null and walk.load_ended is null and publish_load_left(for_channel, for_aspect) = 0 then
    update published_channels set load_ended = now where channel = for_channel and aspect = for_aspect;
  end if;
  with part as materialized (
    select p.channel, p.aspect, p.item, p.scope from published_rows p where p.channel = for_channel and p.aspect = for_aspect
      and (p.item, p.scope) > (coalesce(walk.walk_item, ''), coalesce(walk.walk_scope, '')) order by p.item, p.scope limit most
  ), asked as (
    update published_rows r set needs_look = true, due_at = least(r.due_at, now) from part
    where (r.channel, r.aspect, r.item, r.scope) = (part.channel, part.aspect, part.item, part.scope)
      and r.state in ('live', 'drifted', 'held', 'due', 'accepted')
  )
  select count(*)::integer as n, (array_agg(p.item order by p.item desc, p.scope desc))[1] as item,
    (array_agg(p.scope order by p.item desc, p.scope desc))[1] as scope into last from part p;
  found_rows := last.n;
  update published_channels set walk_began = case when walk.walk_item is null then now else walk_began end,
    walk_item = case when found_rows < most then null else last.item end,
    walk_scope = case when found_rows < most then null else last.scope end,
    walk_ended = case when found_rows < most then now else walk_ended end
  where channel = for_channel and aspect = for_aspect;
  return found_rows;
end $$;

-- How many rows of a channel stand in each state that is not its end: by partial indexes, so the rows that are right cost nothing.
create function published_states(for_channel text, for_aspect text) returns json language sql stable as $$
  select coalesce(json_object_agg(s.state, s.count), '{}'::json) from (
    select r.state, count(*) from published_rows r where r.channel = for_channel and r.aspect = for_aspect
      and r.state not in ('waiting', 'due', 'sent', 'live', 'gone') group by 1
    union all
    select 'due', count(*) from published_rows r where r.channel = for_channel and r.aspect = for_aspect and r.due_at is not null
      and r.state in ('waiting', 'due', 'sent')
    union all
    select 'marked', count(*) from published_rows r where r.channel = for_channel and r.aspect = for_aspect and r.marks > r.assessed
  ) s where s.count > 0
$$;

-- Levels that a channel shows and nobody publishes. They get a row that says so; nothing is written to it.
create function publish_note_strangers(for_channel text, items text[], scopes text[], values_milli bigint[], refs text[]) returns bigint
language sql as $$
  with noted as (
    insert into published_rows (channel, aspect, item, scope, state, observed, observed_at, observed_by, ref, needs_look, cause)
    select for_channel, 'stock', x.item, x.scope, 'drifted', to_jsonb(x.milli), clock_timestamp(), 'the channel', nullif(x.ref, ''), false,
      'the channel shows it, and nothing of it is published'
    from unnest(items, scopes, values_milli, refs) as x(item, scope, milli, ref) order by 3, 4
    on conflict (channel, aspect, item, scope) do nothing returning 1
  ) select count(*) from noted
$$;

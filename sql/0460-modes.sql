-- Modes: a system is away or slow, and what is done meanwhile. An episode is one time that a mode was entered.

create table mode_episodes (
  id          bigint generated always as identity primary key,
  mode        text not null,
  connection  text not null,
  state       text not null check (state in ('entered', 'draining', 'left')),
  because     text not null,
  entered_by  text not null,
  -- Only a person begins the way back of what a person has entered.
  by_person   boolean not null,
  -- Since when its system has been away: before the mode was entered.
  away_since  timestamptz not null,
  entered_at  timestamptz not null,
  back_at     timestamptz,
  left_at     timestamptz,
  most_waiting integer not null default 0,
  -- Counts the changes of state; each is told once.
  turn        integer not null default 1,
  told_turn   integer not null default 0,
  turned_by   text not null,
  turned_at   timestamptz not null,
  report      jsonb,
  -- The way back at a pace: while somebody renews it, nothing else lets go what waits for the connection. `paced_at` is the moment up
  -- to which the pace has been used.
  paced_until timestamptz,
  paced_at    timestamptz
);
-- Of several workers that see the same reason one enters.
create unique index mode_episodes_open on mode_episodes (mode) where left_at is null;
create index mode_episodes_recent on mode_episodes (mode, id desc);
create index mode_episodes_untold on mode_episodes (id) where told_turn < turn;

-- Keeps the pace of an episode for half a minute more, and says how many may go on now. Workers share the pace, and what nobody used for
-- longer than a quarter of a minute is lost, so that a pause does not end in a rush.
create function pace_mode(episode bigint, per_minute integer) returns integer language plpgsql as $$
declare
  used  timestamptz;
  whole integer;
begin
  select greatest(coalesce(paced_at, clock_timestamp()), clock_timestamp() - interval '15 seconds') into used
  from mode_episodes where id = episode and left_at is null for update;
  if not found then
    return 0;
  end if;
  whole := floor(extract(epoch from clock_timestamp() - used) * per_minute / 60);
  update mode_episodes set paced_until = clock_timestamp() + interval '30 seconds', paced_at = used + whole * interval '1 minute' / per_minute
  where id = episode;
  return whole;
end $$;

create or replace function drains_under_way() returns table (connection text) language sql stable as $$
  select spec ->> 'connection' from bulk_operations where kind = 'drain' and state in ('running', 'paused')
  union select m.connection from mode_episodes m where m.left_at is null and m.paced_until > clock_timestamp()
$$;

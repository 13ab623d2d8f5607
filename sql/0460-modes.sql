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
  report      jsonb
);
-- Of several workers that see the same reason one enters.
create unique index mode_episodes_open on mode_episodes (mode) where left_at is null;
create index mode_episodes_recent on mode_episodes (mode, id desc);
create index mode_episodes_untold on mode_episodes (id) where told_turn < turn;

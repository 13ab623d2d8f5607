-- How far the journals of stores' agents were when they last said so. A store has one journal at a time; one that was followed by another
-- and is heard again belongs to a second agent, or to a backup.
create table edge_journals (
  store_id   text not null,
  journal    text not null,
  is_current boolean not null,
  heard_at   timestamptz not null,
  primary key (store_id, journal)
);
create unique index edge_journals_current on edge_journals (store_id) where is_current;

-- The end of each till's chain, as its agent announced it.
create table edge_heads (
  store_id text not null,
  till_id  text not null,
  journal  text not null,
  place    bigint not null,
  hash     text not null,
  heard_at timestamptz not null,
  primary key (store_id, till_id)
);

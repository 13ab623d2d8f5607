-- Links between business objects (order to shipment, return to order, order to journal entry), and their ids in other systems, both
-- taken from events. `append_new` writes both in the statement that appends the event, so this file comes before it.

-- A trace follows links in both directions. The first event that names a pair is kept.
create table object_links (
  from_ref   text not null,
  to_ref     text not null,
  event_type text not null,
  at         timestamptz not null,
  primary key (from_ref, to_ref)
);
create index object_links_back on object_links (to_ref, from_ref);

-- Ids and numbers of an object in other systems: the shop's order number, a payment, a tracking number, a document of the books.
-- `type` comes from the first event that gave the name.
create table object_names (
  ref    text not null,
  system text not null,
  type   text not null,
  id     text collate "C" not null
);

-- The look-up form of a name: people type numbers without punctuation and in any case.
create function name_key(id text) returns text language sql immutable parallel safe strict
  return lower(translate(id, ' #-_./:', '') collate pg_c_utf8) collate "C";

-- Unique by name, system and object. In order of the name, so that the beginning of a number finds it.
create unique index object_names_key on object_names (name_key(id), system, ref);

-- How business objects are linked (order to shipment, return to order, order to journal entry), and what other systems call them, as
-- events said. `append_new` writes both in the statement that appends the event, so this file comes before it.

-- A trace walks links both ways. The first event that named a pair is kept.
create table object_links (
  from_ref   text not null,
  to_ref     text not null,
  event_type text not null,
  at         timestamptz not null,
  primary key (from_ref, to_ref)
);
create index object_links_back on object_links (to_ref, from_ref);

-- Ids and numbers by which an object is known elsewhere: the shop's order number, a payment, a tracking number, a document of the
-- books. `type` is what the first event that gave the name called it.
create table object_names (
  ref    text not null,
  system text not null,
  type   text not null,
  id     text collate "C" not null
);

-- What a name is looked up by: people type a number without its punctuation and in any case.
create function name_key(id text) returns text language sql immutable parallel safe strict
  return lower(translate(id, ' #-_./:', '') collate pg_c_utf8) collate "C";

-- One entry a name, system and object; it is read in order of the name, so that the beginning of a number is enough.
create unique index object_names_key on object_names (name_key(id), system, ref);

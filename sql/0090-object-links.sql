-- Links between business objects (order to shipment, return to order, order to journal entry), as events named them: a trace walks
-- them both ways. The first event that named a pair is kept. `append_new` writes them in the statement that appends the event, so
-- this file comes before it.
create table object_links (
  from_ref   text not null,
  to_ref     text not null,
  event_type text not null,
  at         timestamptz not null,
  primary key (from_ref, to_ref)
);
create index object_links_back on object_links (to_ref, from_ref);

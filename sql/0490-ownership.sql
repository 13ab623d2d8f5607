-- Changes that wait for a person: not their author's to make, or stopped by a guard. Derived from the log.

create table held_changes (
  exception_id text primary key,
  sku          text,
  change       jsonb not null,
  said_by      text not null,
  rule         text not null,
  why          text not null,
  at           timestamptz not null,
  decided      text,
  decided_by   text,
  decided_at   timestamptz
);
create index held_changes_open on held_changes (at, exception_id) where decided is null;
create index held_changes_sku on held_changes (sku) where decided is null;
create index held_changes_decided on held_changes (decided_at) where decided is not null;

-- Sets the readers of the catalogue back to the start of the log. What the log no longer has stays as it was: every value carries the
-- time of its event, and a value of an event that is gone is the only one there is. Ids and SKUs stay as well: they never change, and
-- a write in the meantime under a new SKU would make a second product of it.
create function rebuild_catalogue(reader text) returns void language plpgsql as $$
declare
  kept_since timestamptz;
begin
  update subscriptions set xid = '0', seq = 0, updated_at = now() where name = reader;
  select coalesce((select before from removed_by_retention where what = 'events'), '-infinity') into kept_since;
  delete from product_values where at >= kept_since;
  delete from prices where at >= kept_since;
  delete from prices_shown where shown_at >= kept_since;
  delete from promotions where at >= kept_since;
  delete from held_changes where at >= kept_since;
end $$;

-- Forgets changes that people decided long ago.
create function forget_held_changes(before timestamptz, most integer) returns integer language sql as $$
  with gone as (
    delete from held_changes where exception_id in (select exception_id from held_changes where decided_at < before limit most) returning 1
  )
  select count(*)::integer from gone
$$;

-- Notes changes that are held and what people decided about them. Repeated, it changes nothing.
create function note_held(new_held json, new_decided json) returns void language sql as $$
  insert into held_changes (exception_id, sku, change, said_by, rule, why, at)
  select distinct on (h.exception_id) h.exception_id, h.sku, h.change, h.said_by, h.rule, h.why, h.at
  from json_to_recordset(new_held) as h (n integer, exception_id text, sku text, change jsonb, said_by text, rule text, why text, at timestamptz)
  order by h.exception_id, h.n
  on conflict (exception_id) do nothing;
  update held_changes c set decided = d.decided, decided_by = d.decided_by, decided_at = d.at
  from json_to_recordset(new_decided) as d (exception_id text, decided text, decided_by text, at timestamptz)
  where c.exception_id = d.exception_id and c.decided is null
$$;

-- Changes that the agents of stores have to fetch. An agent keeps prices, stock and pickups, so that tills have them while the line is cut. A
-- change is noted in its own transaction, and only while agents ask. There is one note for each thing, however often it changes.
--
-- Both tables are unlogged: a note costs no WAL. After a crash of the database, or in a standby that took over, they are empty. An agent's
-- cursor names the row of its store, so it is then read anew from the beginning.
create unlogged table snapshot_stores (
  store_id text primary key,
  -- Another one whenever notes may be missing.
  life     uuid not null default gen_random_uuid(),
  -- The database server that made the row: transactions of another one, from which it was copied, say nothing here.
  server   bigint not null,
  -- Transactions that began before may have changed something without a note. Null until the row is committed and can be seen: a transaction
  -- with a higher number than the one that made it may have begun before that, too.
  since    xid8,
  heard_at timestamptz not null default now()
);

create unlogged table snapshot_changes (
  -- '' for what may concern every store.
  store_id text not null,
  kind     text not null,
  key      text not null,
  changed  xid8 not null,
  primary key (store_id, kind, key)
);
create index snapshot_changes_newest on snapshot_changes (store_id, changed);

-- Has changes noted for a store. Rows that were made on another server go, and with them all notes.
create function snapshot_join(of_store text) returns void language plpgsql as $$
declare
  here bigint := (select system_identifier from pg_control_system());
begin
  if exists (select from snapshot_stores where server <> here) then
    delete from snapshot_stores;
    delete from snapshot_changes;
  end if;
  insert into snapshot_stores (store_id, server) values (of_store, here) on conflict do nothing;
end $$;

-- Notes changes. Sorted, so that two transactions wait for each other in one order.
create function snapshot_note(stores text[], of_kind text, keys text[]) returns void language sql as $$
  insert into snapshot_changes as c (store_id, kind, key, changed)
  select distinct n.store_id, of_kind, n.key, pg_current_xact_id() from unnest(stores, keys) as n(store_id, key)
  where exists (select from snapshot_stores s where n.store_id in (s.store_id, ''))
  order by 1, 3
  on conflict (store_id, kind, key) do update set changed = excluded.changed where c.changed <> excluded.changed
$$;

-- Retention deletes data older than the estate's policy, except what open work needs. Each step is one small transaction and may be
-- repeated; a process that dies leaves nothing half done. One worker at a time: (class 7103, 0) is held for a step. Steps return
-- what they did, or null if nothing is left. A step that does not get its lock within half a second fails and is retried later.

-- What was deleted, and by which policy. Views of older objects say so.
create table removed_by_retention (
  -- 'deliveries', 'events', 'finished work'
  what       text primary key,
  before     timestamptz not null,
  days       integer not null,
  removed_at timestamptz not null default clock_timestamp()
);

create function note_removal(of_what text, until timestamptz, of_days integer) returns void language sql as $$
  insert into removed_by_retention as r (what, before, days) values (of_what, until, of_days)
  on conflict (what) do update set before = greatest(r.before, excluded.before), days = excluded.days, removed_at = clock_timestamp()
$$;

create function begin_retention() returns boolean language sql as $$
  select pg_try_advisory_xact_lock(7103, 0)
$$;

-- Objects that are still open, whether or not they have a workflow.
create view open_objects as
select about as ref from exceptions where state = 'open'
union select 'order/' || order_id from exceptions where state = 'open' and order_id is not null
union select key from subscription_backlog;

-- An object and those linked to it: a shipment is kept as long as its order is open.
create function with_linked(refs text[]) returns table (ref text) language sql stable as $$
  select r from unnest(refs) r
  union select l.to_ref from unnest(refs) r join object_links l on l.from_ref = r
  union select l.from_ref from unnest(refs) r join object_links l on l.to_ref = r
$$;

-- The partitions of a table with their ends, oldest first, without the default one.
create function partitions_of(parent text) returns table (name text, ends text, bytes bigint) language sql stable as $$
  select c.relname::text, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''?([^'')]+)''?\)'), pg_total_relation_size(c.oid)
  from pg_inherits h join pg_class c on c.oid = h.inhrelid
  where h.inhparent = parent::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' order by c.relname
$$;

-- The end of the week of a partition of the inbox.
create function inbox_time(id bigint) returns timestamptz language sql immutable as $$
  select (date '2020-01-01' + (id / 100000000000)::integer)::timestamp at time zone 'UTC'
$$;

-- Drops one week of deliveries. A parked delivery with an open exception is kept, with its bytes.
create function retain_deliveries(cutoff timestamptz, days integer) returns text language plpgsql set lock_timeout = '500ms' as $$
declare
  old  record;
  week text;
  kept bigint;
begin
  if not begin_retention() then
    return null;
  end if;
  select p.name, p.ends::bigint as ends into old from partitions_of('inbox') p where p.ends::bigint <= inbox_day(cutoff) limit 1;
  if not found then
    return clear_kept_deliveries(cutoff);
  end if;
  week := substring(old.name from '\d+$');
  lock table only inbox_bodies, only inbox in access exclusive mode;
  execute format('alter table inbox detach partition %I', 'inbox_' || week);
  execute format('alter table inbox_bodies detach partition %I', 'inbox_bodies_' || week);
  execute format('insert into inbox select i.* from %I i where %s', 'inbox_' || week, 'i.state = ''parked'' and is_undecided(i.id)');
  get diagnostics kept = row_count;
  execute format('insert into inbox_bodies select b.* from %I b where b.id in (select bodies from inbox_default where id < %s)',
    'inbox_bodies_' || week, old.ends);
  execute format('drop table %I, %I', 'inbox_' || week, 'inbox_bodies_' || week);
  delete from inbox_corrections c where c.delivery < old.ends and not exists (select from inbox i where i.id = c.delivery);
  perform note_removal('deliveries', inbox_time(old.ends), days);
  return format('deliveries until %s, %s parked ones kept', inbox_time(old.ends)::date, kept);
end $$;

create function is_undecided(delivery bigint) returns boolean language sql stable as $$
  select exists (select from exceptions where state = 'open' and about = 'inbox/' || delivery)
$$;

-- Deletes kept deliveries once their exceptions are decided.
create function clear_kept_deliveries(cutoff timestamptz) returns text language plpgsql as $$
declare
  gone bigint;
begin
  delete from inbox where id in (
    select i.id from inbox_default i where i.id < inbox_day(cutoff) and not (i.state = 'parked' and is_undecided(i.id))
    order by i.id limit 1000);
  get diagnostics gone = row_count;
  if gone > 0 then
    delete from inbox_corrections c where c.delivery < inbox_day(cutoff) and not exists (select from inbox i where i.id = c.delivery);
    delete from inbox_bodies where id in (
      select b.id from inbox_bodies_default b where b.id < inbox_day(cutoff)
        and not exists (select from inbox_default i where i.id between b.id and b.id + 1000 and i.bodies = b.id));
    return format('%s deliveries that were kept', gone);
  end if;
  return null;
end $$;

-- Drops one month of the log. Events of open objects, and of objects with a kept workflow, are kept. Events that a durable reader has
-- not read yet keep the month. The identities of facts (event_facts) stay.
create function retain_events(cutoff timestamptz, days integer) returns text language plpgsql set lock_timeout = '500ms' as $$
declare
  old       record;
  is_unread boolean;
  needed    text[];
  kept      bigint;
begin
  if not begin_retention() then
    return null;
  end if;
  select p.name, p.ends::timestamptz as ends into old from partitions_of('events') p where p.ends::timestamptz <= cutoff limit 1;
  if not found then
    return clear_kept_events(cutoff);
  end if;
  execute format('select exists (select from %I e join subscriptions s on (e.xid, e.seq) > (s.xid, s.seq))', old.name) into is_unread;
  if is_unread then
    return null;
  end if;
  -- Selected before the lock is taken, which is then held only while the kept events are copied.
  needed := array(select ref from open_objects union select about from workflow_instances where started_at < old.ends);
  needed := array(select ref from with_linked(needed));
  lock table only events in access exclusive mode;
  execute format('alter table events detach partition %I', old.name);
  execute format('insert into events select e.* from %I e where e.key = any ($1)', old.name) using needed;
  get diagnostics kept = row_count;
  execute format('drop table %I', old.name);
  perform note_removal('events', old.ends, days);
  return format('events until %s, %s kept for what is open', old.ends::date, kept);
end $$;

create function clear_kept_events(cutoff timestamptz) returns text language plpgsql as $$
declare
  gone bigint;
begin
  with unneeded as (
    select e.key, e.xid, e.seq from events_default e
    where e.recorded_at < cutoff and not exists (
      select from with_linked(array[e.key]) n
      where exists (select from workflow_instances i where i.about = n.ref) or n.ref in (select ref from open_objects))
    limit 1000
  ) delete from events_default e using unneeded u where e.key = u.key and e.xid = u.xid and e.seq = u.seq;
  get diagnostics gone = row_count;
  return case when gone > 0 then format('%s events that were kept', gone) end;
end $$;

-- Deletes workflows that ended before the cutoff, with journal and signals, and exceptions decided before it. Workflows that wait, have
-- unhandled signals, or whose object has an open exception are kept. Signals of a workflow that never started are deleted once their
-- exception is decided.
create function retain_finished_work(cutoff timestamptz, days integer, room integer) returns text
language plpgsql set lock_timeout = '500ms' as $$
declare
  ended  bigint[];
  closed bigint;
begin
  if not begin_retention() then
    return null;
  end if;
  ended := array(select f.id from finished_before(cutoff) f limit room);
  if cardinality(ended) > 0 then
    -- A signal that comes now waits for this transaction and then creates an expected instance, so it is not lost.
    lock table workflow_instances in share row exclusive mode;
    ended := array(select f.id from finished_before(cutoff) f where f.id = any (ended));
    delete from workflow_signals where instance = any (ended);
    delete from workflow_journal where instance = any (ended);
    delete from workflow_instances where id = any (ended);
  end if;
  delete from returns where return_id in (
    select return_id from returns where state in ('closed', 'declined', 'cancelled') and changed_at < cutoff limit room);
  delete from pickups where pickup_id in (select pickup_id from pickups where not is_open and changed_at < cutoff limit room);
  delete from exceptions where id in (
    select x.id from exceptions x where x.opened_at < cutoff and x.state = 'decided' and x.decided_at < cutoff
    order by x.opened_at, x.id limit room);
  get diagnostics closed = row_count;
  if cardinality(ended) + closed = 0 then
    return null;
  end if;
  perform note_removal('finished work', cutoff, days);
  return format('%s finished workflows and %s decided exceptions', cardinality(ended), closed);
end $$;

create function finished_before(cutoff timestamptz) returns table (id bigint) language sql stable as $$
  select i.id from workflow_instances i
  where i.started_at < cutoff and i.state in ('done', 'undone', 'expected') and (i.state = 'expected' or i.finished_at < cutoff)
    and not exists (select from workflow_queue q where q.instance = i.id)
    and i.about not in (select ref from open_objects)
  order by i.started_at
$$;

-- Deletes figures that are older than events.
create function retain_figures(cutoff timestamptz) returns void language sql as $$
  delete from figures where hour < cutoff;
  delete from business_states where hour < cutoff and is_final;
  delete from figure_objects where since < cutoff and (is_final or state is null);
  delete from weekly_reports where claimed_at < cutoff;
$$;

-- The size of each table, partitions included.
create function table_sizes() returns table (name text, bytes bigint, row_estimate bigint) language sql stable as $$
  select coalesce(p.relname, c.relname)::text, sum(pg_total_relation_size(c.oid))::bigint, sum(greatest(c.reltuples, 0))::bigint
  from pg_class c left join pg_inherits h on h.inhrelid = c.oid left join pg_class p on p.oid = h.inhparent
  where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
  group by 1 order by 2 desc
$$;

-- What was deleted last and what is next, for people.
create function retention_outlook(delivery_days integer, event_days integer, work_days integer, at timestamptz)
returns table (what text, days integer, removed_before timestamptz, next_what text, next_at timestamptz, next_bytes bigint,
  held_back_by text) language sql stable as $$
  with next as (
    (select 'deliveries' as what, delivery_days as days, format('deliveries until %s', inbox_time(p.ends::bigint)::date) as next_what,
      inbox_time(p.ends::bigint) + make_interval(days => delivery_days) as next_at,
      p.bytes + (select b.bytes from partitions_of('inbox_bodies') b where b.ends = p.ends) as next_bytes, null as held_back_by
    from partitions_of('inbox') p limit 1)
    union all
    (select 'events', event_days, format('events until %s', p.ends::timestamptz::date), p.ends::timestamptz + make_interval(days => event_days),
      p.bytes, (
        select format('"%s" has not read them all', s.name) from subscriptions s
        where p.ends::timestamptz < at - make_interval(days => event_days) and (
          select e.recorded_at from events e where (e.xid, e.seq) > (s.xid, s.seq) order by e.xid, e.seq limit 1) < p.ends::timestamptz
        limit 1)
    from partitions_of('events') p limit 1)
    union all
    (select 'finished work', work_days, 'workflows that ended until ' || (i.finished_at + interval '1 hour')::date,
      i.finished_at + make_interval(days => work_days), null, null
    from workflow_instances i where i.finished_at is not null order by i.started_at limit 1)
  )
  select w.what, w.days, r.before, next.next_what, next.next_at, next.next_bytes, next.held_back_by
  from (values ('deliveries', delivery_days), ('events', event_days), ('finished work', work_days)) as w(what, days)
  left join next using (what) left join removed_by_retention r using (what)
$$;

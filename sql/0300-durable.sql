-- Durable workflows. The journal holds the steps of each instance; the queue says when it runs next and which worker has claimed it.
-- The queue changes in five ways, all in this file: claim, complete and snooze (both journal_write), rescue, let go.

-- One row per registration of a worker. A worker that is fenced never writes again under this id; it registers again.
create sequence worker_ids as integer;
create table workers (
  id           integer primary key,
  -- `application_name` of its connections.
  process      text not null,
  started_at   timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  -- Set when it stopped, died or was silent too long. Its instances were made due in the same transaction.
  fenced_at    timestamptz
);
create index workers_live on workers (id) where fenced_at is null;

create table workflow_instances (
  id          bigint generated always as identity primary key,
  workflow    text not null,
  -- The ref of the business object, e.g. order/ord_….
  about       text not null,
  -- "expected": a signal came before the event that starts it.
  state       text not null check (state in ('expected', 'running', 'undoing', 'done', 'undone')),
  -- Null while the input can be read from the event that started it.
  started_by  text,
  input       json,
  correlation text not null,
  traceparent text,
  promised_at timestamptz,
  failure     jsonb,
  started_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz
) with (fillfactor = 95);
-- Retention deletes the oldest first.
create index workflow_instances_started on workflow_instances (started_at);
-- The only index that does not grow at its end.
create unique index workflow_instances_about on workflow_instances (about, workflow);

-- Instances that are due, wait or are claimed. An instance that has ended has no row. Small, and updated often.
create table workflow_queue (
  instance    bigint primary key,
  claimed_by  integer,
  -- When it is due; null = only after a signal.
  due_at      timestamptz,
  -- A signal has come since it was claimed.
  is_woken    boolean not null default false,
  -- The unavailable connection it waits for; such instances continue in order of promise.
  waits_for   text,
  promised_at timestamptz,
  -- Its waits, shown to people: [{"kind","name","until"}].
  waiting     jsonb,
  -- Failed runs in a row; the wait grows with them.
  failures    smallint not null default 0
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
create index workflow_queue_due on workflow_queue (due_at) where claimed_by is null and due_at is not null;
create index workflow_queue_drain on workflow_queue (waits_for, promised_at) where claimed_by is null and waits_for is not null;
-- Without `is_woken`: a signal for a claimed instance then changes no index. A worker has a few hundred at most.
create index workflow_queue_claimed on workflow_queue (claimed_by) where claimed_by is not null;

-- Append-only: one row per run and flush. An entry is an intent, an outcome, a decision, a wait …; later entries of a step replace
-- the fields they name. `workflow_steps` shows the current state of steps.
create table workflow_journal (
  instance bigint not null,
  id       bigint generated always as identity,
  at       timestamptz not null default clock_timestamp(),
  entries  json not null,
  -- Whether an entry has an outcome other than "done".
  has_trouble boolean not null default false,
  primary key (instance, id)
) with (fillfactor = 100, toast_tuple_target = 256, autovacuum_vacuum_insert_threshold = -1);
create index workflow_journal_trouble on workflow_journal (instance) where has_trouble;

create table workflow_signals (
  instance bigint not null,
  id       bigint generated always as identity,
  type     text not null,
  fact     text not null,
  at       timestamptz not null,
  data     json not null,
  primary key (instance, id)
) with (fillfactor = 100, toast_tuple_target = 256, autovacuum_vacuum_insert_threshold = -1);

-- A workflow that an event starts or is a signal for.
create type workflow_call as (n integer, workflow text, about text, "promisedAt" timestamptz);

-- Writes everything that follows from new events (those at the places `fresh`): objects, exceptions, accounts, workflows, signals.
-- `follow`: {"starts":[{n,workflow,about,promisedAt}],"signals":[{n,workflow,about}],"notify":bool, …}.
create function follow_events(given new_event[], follow json, fresh integer[]) returns void language plpgsql set enable_hashjoin = on as $$
declare
  wanted record;
  calls workflow_call[];
begin
  select * into wanted from json_to_record(follow) as x(objects json, "hasExceptions" boolean, entries json, reports json, starts json,
    signals json, "orphanAfterMs" double precision, notify boolean);
  if wanted.objects is not null then
    perform announce_objects(wanted.objects, fresh);
  end if;
  if wanted."hasExceptions" then
    perform note_exceptions(given, fresh);
  end if;
  if wanted.entries is not null or wanted.reports is not null then
    perform note_account(wanted.entries, wanted.reports, fresh);
  end if;

  if wanted.starts is not null then
    with first as (
      select distinct on (s.about, s.workflow) s.*, e.type, e.correlation, e.traceparent,
        -- An event about the object itself is found when it is claimed; one that only mentions it must be copied.
        case when e.key <> s.about then e.data end as input
      from json_populate_recordset(null::workflow_call, wanted.starts) s join unnest(given) e using (n)
      where s.n = any (fresh) order by s.about, s.workflow, s.n
    ), started as (
      insert into workflow_instances as i (workflow, about, state, started_by, input, correlation, traceparent, promised_at)
      select f.workflow, f.about, 'running', f.type, f.input, f.correlation, f.traceparent, f."promisedAt" from first f
      order by f.about, f.workflow
      on conflict (about, workflow) do update set state = 'running', started_by = excluded.started_by, input = excluded.input, correlation = excluded.correlation,
        traceparent = excluded.traceparent, promised_at = excluded.promised_at, started_at = clock_timestamp()
        where i.state = 'expected'
      returning i.id, i.promised_at
    )
    insert into workflow_queue as q (instance, due_at, promised_at)
    select s.id, clock_timestamp(), s.promised_at from started s order by s.id
    on conflict (instance) do update set due_at = excluded.due_at, is_woken = true, promised_at = excluded.promised_at;
  end if;

  if wanted.signals is not null then
    calls := array(select s from json_populate_recordset(null::workflow_call, wanted.signals) s where s.n = any (fresh));
  end if;
  if cardinality(calls) > 0 then
    -- A signal that comes before the start creates the instance. Its unique key decides between a start and a signal at the same time.
    insert into workflow_instances (workflow, about, state, correlation)
    select distinct on (s.about, s.workflow) s.workflow, s.about, 'expected', e.correlation
    from unnest(calls) s join unnest(given) e using (n)
    where not exists (select from workflow_instances i where i.about = s.about and i.workflow = s.workflow)
    order by s.about, s.workflow
    on conflict do nothing;

    with heard as (
      insert into workflow_signals (instance, type, fact, at, data)
      select i.id, e.type, e.fact, e.time, e.data
      from unnest(calls) s join unnest(given) e using (n)
      join workflow_instances i on i.about = s.about and i.workflow = s.workflow
      order by i.id, s.n
      returning instance
    ), woken as (
      select distinct on (i.id) i.id, i.state from heard h join workflow_instances i on i.id = h.instance order by i.id
    )
    insert into workflow_queue as q (instance, due_at, is_woken)
    select w.id, clock_timestamp() + case when w.state = 'expected'
      then wanted."orphanAfterMs" * interval '1 ms' else interval '0' end, true
    from woken w order by w.id
    on conflict (instance) do update set is_woken = true,
      due_at = case when q.claimed_by is null then least(q.due_at, excluded.due_at) end;
  end if;

  -- At most one notification per commit, and only if there are other workers: each takes a server-wide lock.
  if wanted.notify then
    perform pg_notify('crossdock_work', '');
  end if;
end $$;

-- Locks of workers. PostgreSQL releases a session's locks when its connection ends.
--   (class 7101, worker) is held by the worker's session as long as the worker is alive;
--   (class 7102, worker) is held shared by each of its writes, and exclusively by the fence: no write is under way then.

-- Registers a worker on its own session. The lock is taken first, so that nobody fences the new row. The others are told.
create function worker_register(process_name text) returns integer language plpgsql as $$
declare
  me integer := nextval('worker_ids');
begin
  perform pg_advisory_lock(7101, me);
  insert into workers (id, process) values (me, process_name);
  perform pg_notify('crossdock_work', 'workers');
  return me;
end $$;

-- Raises CD001 if this worker has been fenced. Otherwise it is not fenced before this transaction ends.
create function worker_assert(me integer) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(7102, me);
  if not exists (select from workers w where w.id = me and w.fenced_at is null) then
    raise exception 'worker % was fenced', me using errcode = 'CD001';
  end if;
end $$;

-- CLAIM. Claims at most `room` due instances, and instances that wait for a connection that may be called again (`drains`:
-- [{connection,limit}]), in order of promise. Also returns the signals of instances claimed before that got new ones
-- (`is_claim` false). Several statements, because each sees only commits before its start.
create function workflow_claim(me integer, room integer, drains json)
returns table (instance bigint, is_claim boolean, facts json, journal json, signals json) language plpgsql as $$
declare
  taken bigint[];
  drained bigint[];
  woken bigint[];
begin
  perform worker_assert(me);
  update workers w set heartbeat_at = clock_timestamp() where w.id = me and w.heartbeat_at < clock_timestamp() - interval '1 s';

  with free as (
    -- Rows locked by another transaction are left for the next claim: waiting for them in any order could deadlock.
    select q.instance from workflow_queue q where q.claimed_by = me and q.is_woken for update skip locked
  ), news as (
    update workflow_queue q set is_woken = false from free where q.instance = free.instance returning q.instance
  ) select array_agg(n.instance) into woken from news n;

  with due as (
    select q.instance from workflow_queue q where q.claimed_by is null and q.due_at <= clock_timestamp()
    order by q.due_at limit room for update skip locked
  ), mine as (
    update workflow_queue q set claimed_by = me, due_at = null, is_woken = false, waits_for = null
    from due where q.instance = due.instance returning q.instance
  ) select array_agg(m.instance) into taken from mine m;

  if json_array_length(drains) > 0 then
    with open as (
      select d.instance from json_to_recordset(drains) as c(connection text, "limit" integer)
      cross join lateral (
        select q.instance from workflow_queue q where q.claimed_by is null and q.waits_for = c.connection
        order by q.promised_at limit c."limit" for update skip locked) d
    ), mine as (
      update workflow_queue q set claimed_by = me, due_at = null, is_woken = false, waits_for = null
      from open where q.instance = open.instance returning q.instance
    ) select array_agg(m.instance) into drained from mine m;
  end if;
  taken := taken || drained;

  if taken is null and woken is null then
    return;
  end if;
  return query
  select i.id, i.id = any (taken),
    case when i.id = any (taken) then json_build_object('workflow', i.workflow, 'about', i.about, 'state', i.state,
      -- Otherwise of the event that started it. The time selects the partition: both were stored in one transaction.
      'input', coalesce(i.input, (
        select e.data from events e
        where e.key = i.about and e.type = i.started_by
          and e.recorded_at between i.started_at - interval '1 hour' and i.started_at + interval '1 hour'
        order by e.xid, e.seq limit 1)),
      'correlation', i.correlation, 'traceparent', i.traceparent, 'failure', i.failure,
      'startedAt', i.started_at, 'promisedAt', i.promised_at, 'failures', q.failures) end,
    case when i.id = any (taken) then (
      select json_agg(json_build_object('ageMs', extract(epoch from clock_timestamp() - j.at) * 1000, 'entries', j.entries) order by j.id)
      from workflow_journal j where j.instance = i.id) end,
    (select json_agg(json_build_object('type', s.type, 'fact', s.fact, 'at', s.at, 'data', s.data) order by s.at, s.id)
      from workflow_signals s where s.instance = i.id)
  from unnest(coalesce(taken, '{}') || coalesce(woken, '{}')) as u(id)
  join workflow_instances i on i.id = u.id join workflow_queue q on q.instance = i.id;
end $$;

-- A run's entries, and how it leaves its instance; `end` is null while it continues.
create type handed_over as (n integer, instance bigint, entries json, "hasTrouble" boolean, "end" json);

-- COMPLETE and SNOOZE. Writes in one transaction: journal entries, events with their consequences, and how each run leaves its
-- instance (`end`): over, still claimed, or released to wait for a time or a connection. Returns whether signals have come that
-- the run did not know (`heard`: their number when it began). Such an instance stays in the queue and runs again.
-- CD002: an instance of the batch is not claimed by this worker; nothing was written.
-- batch: [{"n","instance","entries","end":{"state","failure","isOver","isKept","wakeInMs","waitsFor","waiting","failures","heard"}}].
create function journal_write(me integer, batch json, events json, follow json, figures json)
returns table (n integer, is_woken boolean) language plpgsql as $$
declare
  given handed_over[] := array(select x from json_populate_recordset(null::handed_over, batch) x);
begin
  perform worker_assert(me);
  -- Only the worker itself or its fence ends a claim, so this finds a defect of ours, before anything is written.
  if exists (
    select from unnest(given) x
    where (select q.claimed_by from workflow_queue q where q.instance = x.instance) is distinct from me
  ) then
    raise exception 'an instance of this batch is not claimed by worker %', me using errcode = 'CD002';
  end if;

  insert into workflow_journal (instance, entries, has_trouble)
  select x.instance, x.entries, coalesce(x."hasTrouble", false)
  from unnest(given) x
  where x.entries is not null order by x.n;

  if json_array_length(events) > 0 then
    perform store_events(events, follow);
  end if;
  if json_array_length(figures) > 0 then
    perform count_figures(figures);
  end if;

  update workflow_instances i set state = e.state, failure = e.failure,
    finished_at = case when e.state in ('done', 'undone') then coalesce(i.finished_at, clock_timestamp()) end
  from unnest(given) x cross join lateral json_to_record(x."end") as e(state text, failure jsonb)
  where x."end" is not null and i.id = x.instance and (i.state <> e.state or i.failure is distinct from e.failure);

  return query
  with ended as materialized (
    select x.n, x.instance, e.*,
      e.heard < (select count(*) from workflow_signals s where s.instance = x.instance) as has_news
    from unnest(given) x
    cross join lateral json_to_record(x."end") as e("isOver" boolean, "isKept" boolean, "wakeInMs" double precision,
      "waitsFor" text, waiting jsonb, failures smallint, heard bigint)
    where x."end" is not null order by x.instance
  ), over as (
    -- Found by their key: that this worker has claimed them was checked above, and only it or its fence ends a claim.
    delete from workflow_queue q using ended e
    where q.instance = e.instance and e."isOver" and not q.is_woken and e.has_news is not true
    returning e.n, q.is_woken
  ), snoozed as (
    update workflow_queue q set
      claimed_by = case when e."isKept" or e."isOver" then me end,
      due_at = case when e."isKept" or e."isOver" then null
        when q.is_woken or e.has_news then clock_timestamp() else clock_timestamp() + e."wakeInMs" * interval '1 ms' end,
      is_woken = q.is_woken or coalesce(e.has_news, false), waits_for = e."waitsFor", waiting = e.waiting,
      failures = coalesce(e.failures, 0)
    from ended e where q.instance = e.instance and not (e."isOver" and not q.is_woken and e.has_news is not true)
    returning e.n, q.is_woken
  )
  select o.n, o.is_woken from over o
  union all select s.n, s.is_woken from snoozed s;
end $$;

-- Releases claims. Any worker may claim these instances when they are due or get a signal.
create function workflow_release(me integer, rows json) returns void language plpgsql as $$
begin
  perform worker_assert(me);
  update workflow_queue q set claimed_by = null,
    due_at = case when q.is_woken and not coalesce(x.failed, false) then clock_timestamp()
      else clock_timestamp() + x."wakeInMs" * interval '1 ms' end,
    failures = q.failures + case when x.failed then 1 else 0 end
  from json_to_recordset(rows) as x(instance bigint, "wakeInMs" double precision, failed boolean)
  where q.instance = x.instance and q.claimed_by = me;
end $$;

-- RESCUE. Fences workers whose session is gone or that were silent for `silent_ms`, and makes their instances due. Returns their
-- ids. A write of such a worker that is under way ends first; later ones are refused.
create function workflow_rescue(silent_ms double precision) returns setof integer language plpgsql as $$
declare
  w record;
begin
  for w in select * from workers where fenced_at is null order by id loop
    if pg_try_advisory_xact_lock(7101, w.id) or w.heartbeat_at < clock_timestamp() - silent_ms * interval '1 ms' then
      -- A paused worker does not read the response of its write, which then never ends: cut its connections, fence it next time.
      if not pg_try_advisory_xact_lock(7102, w.id) then
        perform pg_terminate_backend(a.pid) from pg_stat_activity a where a.application_name = w.process and a.datname = current_database();
        continue;
      end if;
      update workers set fenced_at = clock_timestamp() where id = w.id;
      update workflow_queue q set claimed_by = null, due_at = clock_timestamp()
      where q.claimed_by = w.id;
      return next w.id;
    end if;
  end loop;
end $$;

-- LET GO. Makes an instance due that waits for a connection. False when it does not wait for it any more.
create function workflow_let_go(of_workflow text, of_about text, of_connection text) returns boolean language plpgsql as $$
begin
  update workflow_queue q set due_at = clock_timestamp(), waits_for = null
  from workflow_instances i
  where i.about = of_about and i.workflow = of_workflow and q.instance = i.id and q.waits_for = of_connection and q.claimed_by is null;
  if found then
    perform pg_notify('crossdock_work', '');
  end if;
  return found;
end $$;

-- Ends the registration of a worker that stops normally.
create function worker_end(me integer) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7102, me);
  update workers set fenced_at = clock_timestamp() where id = me and fenced_at is null;
  update workflow_queue set claimed_by = null, due_at = clock_timestamp() where claimed_by = me;
end $$;

-- The current state of an instance's steps, from its journal. Kinds: effect, undo, decide, until, ask, raise, settle, state, tell.
create function steps_of(wanted bigint)
returns table (n integer, step text, part text, kind text, connection text, capability text, operation text, business_key text,
  outcome text, attempts integer, probes integer, rejections integer, intent_at timestamptz, sent_at timestamptz,
  settled_at timestamptz, reference jsonb, result json, error jsonb, undo json, input json, history jsonb)
language sql stable as $$
  with entries as (
    -- One row may hold several entries of one step, in their order.
    select (j.id, e.place) as id, j.at, e.* from workflow_journal j
    cross join lateral rows from (json_to_recordset(j.entries) as (
      n integer, step text, part text, kind text, connection text, capability text, operation text, "businessKey" text,
      outcome text, attempts integer, probes integer, rejections integer, "leaseMs" double precision, reference jsonb,
      result json, error jsonb, undo json, input json)) with ordinality as e(n, step, part, kind, connection, capability,
      operation, "businessKey", outcome, attempts, probes, rejections, "leaseMs", reference, result, error, undo, input, place)
    where j.instance = wanted
  )
  select min(e.n), e.step, coalesce(e.part, ''), e.kind,
    (array_agg(e.connection) filter (where e.connection is not null))[1],
    (array_agg(e.capability) filter (where e.capability is not null))[1],
    (array_agg(e.operation) filter (where e.operation is not null))[1],
    (array_agg(e."businessKey") filter (where e."businessKey" is not null))[1],
    (array_agg(e.outcome order by e.id desc))[1],
    coalesce(max(e.attempts), 0), coalesce(max(e.probes), 0), coalesce(max(e.rejections), 0),
    min(e.at), max(e.at) filter (where e."leaseMs" is not null),
    case when (array_agg(e.outcome order by e.id desc))[1] is not null then max(e.at) end,
    (array_agg(coalesce(e.reference, (e.result -> 'reference')::jsonb) order by e.id desc)
      filter (where e.reference is not null or (e.kind in ('effect', 'undo') and e.result -> 'reference' is not null)))[1],
    (array_agg(e.result order by e.id desc) filter (where e.result is not null))[1],
    (array_agg(e.error order by e.id desc))[1],
    (array_agg(e.undo order by e.id desc) filter (where e.undo is not null))[1],
    (array_agg(e.input order by e.id) filter (where e.input is not null))[1],
    coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', e.at, 'outcome', e.outcome, 'error', e.error)) order by e.id)
      filter (where e.outcome is not null), '[]')
  from entries e group by e.step, coalesce(e.part, ''), e.kind
$$;

-- Steps for people and checks. It reads the whole journal of an instance, so select few.
create view workflow_steps as
select i.id as instance, i.workflow, i.about, s.*, s.step || case when s.part <> '' then '#' || s.part else '' end as name
from workflow_instances i cross join lateral steps_of(i.id) s;

-- The order that an object's work was started with, such as a return's; the input is in the event where the instance has none.
create function order_of_work(wanted text) returns text language sql stable as $$
  select coalesce(i.input, (
    select e.data from events e where e.key = i.about and e.type = i.started_by
      and e.recorded_at between i.started_at - interval '1 hour' and i.started_at + interval '1 hour'
    order by e.xid, e.seq limit 1)) ->> 'orderId'
  from workflow_instances i where i.about = wanted order by i.id limit 1
$$;

-- Another step of an object, or of one that is linked to it, whose outcome a document is.
create function step_with_document(wanted text, of_workflow text, of_step text, document json) returns text language sql stable as $$
  select '"' || s.name || '" of ' || s.about from workflow_steps s
  where (s.about = wanted or s.about in (
      select to_ref from object_links where from_ref = wanted union all
      select from_ref from object_links where to_ref = wanted))
    and not (s.about = wanted and s.workflow = of_workflow and s.name = of_step)
    and s.kind = 'effect' and s.outcome = 'done'
    and s.reference ->> 'system' = document ->> 'system' and s.reference ->> 'type' = document ->> 'type'
    and s.reference ->> 'id' = document ->> 'id'
  limit 1
$$;

create table connection_states (
  connection   text primary key,
  -- Its first day. Orders placed before it are not ours unless a person says so.
  connected_at timestamptz not null default clock_timestamp(),
  is_paused    boolean not null default false,
  paused_by    text,
  reason       text,
  breaker      text not null default 'closed' check (breaker in ('closed', 'open', 'half-open')),
  opened_at    timestamptz,
  retry_at     timestamptz,
  last_error   text,
  -- When a person last paused or resumed it; other processes then end a wait that its system asked for.
  pause_changed_at timestamptz,
  -- The end of a wait that its system asked for by Retry-After.
  asked_wait_until timestamptz,
  updated_at   timestamptz not null default now()
);

-- The effect ledger: what every workflow has done, intends and decided. Restate owns when a workflow runs; this owns what it did.

create table workflow_instances (
  workflow             text not null,
  key                  text not null,
  state                text not null default 'running' check (state in ('running', 'waiting', 'undoing', 'done', 'undone')),
  -- Documents that are only passed on are json: jsonb would be built and unbuilt on every way.
  input                json not null,
  correlation          text not null,
  traceparent          text,
  -- Fencing: each run of the code draws a new epoch; writes of an older one are refused.
  epoch                bigint not null default 0,
  -- One run at a time: the invocation that has taken it, until it gives it back or this time has passed. A run that takes
  -- longer puts it off again and again.
  run_by               text,
  run_until            timestamptz,
  -- Asked for again while a run had it: whoever has it runs it once more.
  is_called            boolean not null default false,
  -- What it waits for, for people: [{"kind","name","until"}].
  waiting              jsonb,
  waits_for_connection text,
  -- When it is looked at again even if nothing else wakes it; the backstop behind Restate.
  wake_at              timestamptz default clock_timestamp() + interval '20 s',
  promised_at          timestamptz not null,
  failure              jsonb,
  started_at           timestamptz not null default now(),
  updated_at           timestamptz not null default now(),
  finished_at          timestamptz,
  primary key (workflow, key)
) with (fillfactor = 80);

create index workflow_instances_wake on workflow_instances (wake_at) where finished_at is null and wake_at is not null;
create index workflow_instances_drain on workflow_instances (waits_for_connection, promised_at)
  where waits_for_connection is not null and finished_at is null;

create table workflow_steps (
  workflow     text not null,
  key          text not null,
  step         text not null,
  -- Order in which steps were first begun; undo goes backwards by it.
  n            integer not null,
  kind         text not null check (kind in ('effect', 'undo', 'decide', 'until', 'state')),
  connection   text,
  capability   text,
  operation    text,
  business_key text,
  -- Null while only the intent is known: after a crash that means the outcome is unknown.
  outcome      text check (outcome in ('done', 'rejected', 'retryable', 'unknown', 'superseded')),
  attempts     integer not null default 0,
  probes       integer not null default 0,
  rejections   integer not null default 0,
  intent_at    timestamptz not null default clock_timestamp(),
  sent_at      timestamptz,
  lease_until  timestamptz,
  settled_at   timestamptz,
  reference    jsonb,
  result       json,
  error        jsonb,
  -- How to take it back, complete: {"capability","operation","connection","key","input"}; needs no code to be found again.
  undo         json,
  -- Every attempt: [{"at","outcome","error"}].
  history      jsonb not null default '[]',
  primary key (workflow, key, step)
) with (fillfactor = 70);

-- No index names the outcome: it changes with every effect, and rows whose indexed columns stay are updated in place.
create index workflow_steps_effects on workflow_steps (intent_at desc) where kind in ('effect', 'undo');

create table workflow_signals (
  workflow text not null,
  key      text not null,
  fact     text not null,
  name     text not null,
  data     json not null,
  at       timestamptz not null,
  xid      xid8 not null,
  seq      bigint not null,
  primary key (workflow, key, fact)
);

create table connection_states (
  connection text primary key,
  is_paused  boolean not null default false,
  paused_by  text,
  reason     text,
  breaker    text not null default 'closed' check (breaker in ('closed', 'open', 'half-open')),
  opened_at  timestamptz,
  retry_at   timestamptz,
  last_error text,
  updated_at timestamptz not null default now()
);

-- What operators changed, by whom. Append-only.
create table audit_log (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default now(),
  actor   text not null,
  action  text not null,
  subject text not null,
  detail  jsonb not null default '{}'
);

-- Starts instances that do not exist yet; a repeat changes nothing.
create function workflow_start(input json) returns void language sql as $$
  insert into workflow_instances (workflow, key, input, correlation, traceparent, promised_at)
  select x.workflow, x.key, x.input, x.correlation, x.traceparent, x.promised_at
  from json_to_recordset(input) as x(
    workflow text, key text, input json, correlation text, traceparent text, promised_at timestamptz)
  order by 1, 2
  on conflict do nothing
$$;

-- Keeps signals, whether or not their instance exists yet; the same fact is kept once. Wakes instances that have it to hear.
create function workflow_signal(input json) returns void language plpgsql as $$
begin
  with given as (
    select * from json_to_recordset(input) as x(
      workflow text, key text, fact text, name text, data json, at timestamptz, xid text, seq bigint)
  )
  insert into workflow_signals (workflow, key, fact, name, data, at, xid, seq)
  select given.workflow, given.key, given.fact, given.name, given.data, given.at, given.xid::xid8, given.seq
  from given order by 1, 2, 3
  on conflict do nothing;

  update workflow_instances i set wake_at = least(coalesce(i.wake_at, 'infinity'), clock_timestamp() + interval '20 s')
  from (select distinct workflow, key from json_to_recordset(input) as x(workflow text, key text) order by 1, 2) given
  where i.workflow = given.workflow and i.key = given.key and i.finished_at is null;
end $$;

-- Begins a run of each named instance: takes it for the invocation `by`, draws its next epoch and reads all that was done
-- before, in one round trip. One that another invocation has taken is marked as called again and not answered. Without `by`
-- it is overtaken and nobody's. An instance is named once in a call.
-- Two statements, because each sees what was committed when it began: whoever holds an instance while the first one waits for
-- it may be writing steps, and a run that did not read those would do them again.
create function workflow_load(keys jsonb)
returns table (n integer, instance json, steps json, signals json) language plpgsql as $$
begin
  with locked as (
    select i.workflow, i.key, given.by,
      coalesce(given.by <> i.run_by and i.run_until > clock_timestamp(), false) as is_taken
    from workflow_instances i
    join jsonb_to_recordset(keys) as given(workflow text, key text, by text) using (workflow, key)
    order by i.workflow, i.key for update of i
  )
  update workflow_instances i set
      epoch = i.epoch + case when locked.is_taken then 0 else 1 end,
      run_by = case when locked.is_taken then i.run_by else locked.by end,
      run_until = case when locked.is_taken then i.run_until when locked.by is not null then clock_timestamp() + interval '30 s' end,
      is_called = locked.is_taken, updated_at = now()
    from locked where i.workflow = locked.workflow and i.key = locked.key;

  return query
  select given.n,
    json_build_object(
      'workflow', i.workflow, 'key', i.key, 'state', i.state, 'input', i.input, 'epoch', i.epoch,
      'correlation', i.correlation, 'traceparent', i.traceparent, 'failure', i.failure,
      'started_at', i.started_at, 'promised_at', i.promised_at) as instance,
    -- What is done needs to be told only what became of it; times and leases matter while something is open.
    (select json_agg(case
        when s.outcome = 'done' and s.kind not in ('effect', 'undo') then json_build_object(
          'step', s.step, 'n', s.n, 'kind', s.kind, 'outcome', s.outcome, 'result', s.result)
        when s.outcome = 'done' then json_build_object(
          'step', s.step, 'n', s.n, 'kind', s.kind, 'outcome', s.outcome, 'result', s.result, 'connection', s.connection,
          'business_key', s.business_key, 'attempts', s.attempts, 'rejections', s.rejections, 'reference', s.reference,
          'undo', s.undo)
        else json_build_object(
          'step', s.step, 'n', s.n, 'kind', s.kind, 'connection', s.connection, 'capability', s.capability,
          'operation', s.operation, 'business_key', s.business_key, 'outcome', s.outcome, 'attempts', s.attempts,
          'probes', s.probes, 'rejections', s.rejections, 'reference', s.reference, 'result', s.result, 'error', s.error,
          'undo', s.undo,
          'lease_left_ms', extract(epoch from s.lease_until - clock_timestamp()) * 1000,
          'since_settled_ms', extract(epoch from clock_timestamp() - s.settled_at) * 1000,
          'since_intent_ms', extract(epoch from clock_timestamp() - s.intent_at) * 1000) end)
       from workflow_steps s where s.workflow = given.workflow and s.key = given.key),
    (select json_agg(json_build_object('fact', g.fact, 'name', g.name, 'data', g.data, 'at', g.at) order by g.at, g.xid, g.seq)
       from workflow_signals g where g.workflow = given.workflow and g.key = given.key)
  from jsonb_to_recordset(keys) as given(n integer, workflow text, key text, by text)
  join workflow_instances i on i.workflow = given.workflow and i.key = given.key
  where given.by is null or i.run_by = given.by;
end $$;

-- Puts off the time after which others may take these instances; of a run that was overtaken nothing is changed.
create function workflow_hold(runs jsonb) returns void language sql as $$
  update workflow_instances i set run_until = clock_timestamp() + interval '30 s'
  from jsonb_to_recordset(runs) as x(workflow text, key text, epoch bigint)
  where i.workflow = x.workflow and i.key = x.key and i.epoch = x.epoch and i.run_by is not null
$$;

-- Writes what runs have to record: steps, the instance's own state, and events, all in one transaction. Steps and events stand
-- apart from the writes, each with the number `w` of the write it belongs to, because every list is read more than once and
-- documents are copied with it. Events stand in order.
-- Answers for each write whether its epoch is still the current one; what an overtaken run sends is not written. A write that
-- `gives_back` its instance ends the run's hold on it, and answers whether it was called again meanwhile.
create function ledger_write(batch jsonb, steps json, events json)
returns table (n integer, is_current boolean, is_called boolean) language plpgsql as $$
declare
  live jsonb;
begin
  with locked as (
    select given.n, i.is_called from workflow_instances i
    join jsonb_to_recordset(batch) as given(n integer, workflow text, key text, epoch bigint) using (workflow, key)
    where i.epoch = given.epoch
    order by i.workflow, i.key for update of i
  )
  select coalesce(jsonb_object_agg(locked.n, locked.is_called), '{}') into live from locked;

  insert into workflow_steps as s (workflow, key, step, n, kind, connection, capability, operation, business_key, outcome,
    attempts, probes, rejections, sent_at, lease_until, settled_at, reference, result, error, undo, history)
  select x.workflow, x.key, x.step, x.n, x.kind, x.connection, x.capability, x.operation, x.business_key, x.outcome,
    coalesce(x.attempts, 0), coalesce(x.probes, 0), coalesce(x.rejections, 0),
    case when x.lease_ms is not null then clock_timestamp() end,
    clock_timestamp() + x.lease_ms * interval '1 ms',
    case when x.outcome is not null then clock_timestamp() end,
    x.reference, x.result, x.error, x.undo,
    case when x.outcome is null then '[]'::jsonb
      else jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('at', clock_timestamp(), 'outcome', x.outcome, 'error', x.error))) end
  from json_to_recordset(steps) as x(
    w integer, workflow text, key text, step text, n integer, kind text, connection text, capability text, operation text, business_key text, outcome text,
    attempts integer, probes integer, rejections integer, lease_ms double precision, reference jsonb, result json, error jsonb, undo json)
  where live ? x.w::text
  on conflict (workflow, key, step) do update set
    outcome = excluded.outcome, attempts = excluded.attempts, probes = excluded.probes, rejections = excluded.rejections,
    sent_at = coalesce(excluded.sent_at, s.sent_at), lease_until = coalesce(excluded.lease_until, s.lease_until),
    -- An outcome that stays unknown keeps the moment it became so: from then the other system has time to settle.
    settled_at = case when s.outcome = 'unknown' and excluded.outcome = 'unknown' and s.attempts = excluded.attempts
      then s.settled_at else excluded.settled_at end,
    reference = coalesce(excluded.reference, s.reference),
    result = excluded.result, error = excluded.error, undo = coalesce(excluded.undo, s.undo),
    -- Twenty attempts tell the story; the first and the latest matter most.
    history = case when jsonb_array_length(s.history) < 20 then s.history || excluded.history
      else jsonb_set(s.history, '{19}', coalesce(excluded.history -> 0, s.history -> 19)) end;

  update workflow_instances i set
    state = x.state, waiting = x.waiting, waits_for_connection = x.waits_for_connection,
    wake_at = case when x.wake_in_ms is not null then clock_timestamp() + x.wake_in_ms * interval '1 ms' end,
    failure = x.failure, updated_at = now(),
    finished_at = case when x.state in ('done', 'undone') then now() end,
    run_by = case when w.gives_back then null else i.run_by end,
    run_until = case when w.gives_back then null else i.run_until end, is_called = i.is_called and w.gives_back is not true
  from jsonb_to_recordset(batch) as w(n integer, workflow text, key text, instance jsonb, gives_back boolean)
  cross join lateral jsonb_to_record(w.instance) as x(
    state text, waiting jsonb, waits_for_connection text, wake_in_ms double precision, failure jsonb)
  where live ? w.n::text and w.instance is not null and i.workflow = w.workflow and i.key = w.key;

  update workflow_instances i set run_by = null, run_until = null, is_called = false
  from jsonb_to_recordset(batch) as w(n integer, workflow text, key text, instance jsonb, gives_back boolean)
  where live ? w.n::text and w.gives_back and w.instance is null and i.workflow = w.workflow and i.key = w.key;

  if json_array_length(events) > 0 then
    if exists (select from jsonb_array_elements(batch) w where not live ? (w ->> 'n')) then
      select coalesce(json_agg(e.value order by e.ordinality), '[]') into events
      from json_array_elements(events) with ordinality as e where live ? (e.value ->> 'w');
    end if;
    perform append_events(events);
  end if;

  return query select x.n, live ? x.n::text, coalesce((live ->> x.n::text)::boolean, false)
    from jsonb_to_recordset(batch) as x(n integer) order by x.n;
end $$;

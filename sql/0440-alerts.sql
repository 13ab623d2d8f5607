-- Alerts: what is told to people about what is wrong, as threads; the notices of a thread by receiver; who is left alone and why.

create table alert_threads (
  id          text primary key,
  -- Rule and fingerprint, or promise and scope.
  key         text not null,
  rule        text not null,
  state       text not null check (state in ('gathering', 'open', 'resolved')),
  -- Where it stands (src/rules/alerts/thread.ts), with what is wrong as it was seen last.
  body        json not null,
  -- Why it is told to nobody at the moment.
  held        text,
  -- How many notices it made.
  notices     integer not null default 0,
  started_at  timestamptz not null,
  resolved_at timestamptz
);
create unique index alert_threads_live on alert_threads (key) where state <> 'resolved';
create index alert_threads_recent on alert_threads (started_at desc, id desc) where state <> 'gathering';
create index alert_threads_ended on alert_threads (resolved_at) where state = 'resolved';

-- What is sent, and what became of it. Written with the thread's step, sent by any worker, at least once.
create table alert_notices (
  n          bigint generated always as identity primary key,
  id         text not null unique,
  thread     text references alert_threads (id) on delete cascade,
  kind       text not null,
  receiver   text not null,
  message    json not null,
  created_at timestamptz not null,
  -- Not before: the end of quiet hours.
  due_at     timestamptz not null,
  state      text not null default 'waiting' check (state in ('waiting', 'sent', 'given up')),
  attempts   integer not null default 0,
  error      text,
  sent_at    timestamptz
);
create index alert_notices_waiting on alert_notices (receiver, n) where state = 'waiting';
create index alert_notices_of on alert_notices (thread, n);
create index alert_notices_ended on alert_notices (created_at) where state <> 'waiting';

-- Ways to people. One worker at a time sends to one, in the order of the notices.
create table alert_receivers (
  name          text primary key,
  leased_by     text,
  leased_until  timestamptz,
  attempts      integer not null default 0,
  -- After a failure: not before.
  next_at       timestamptz not null default '-infinity',
  failing_since timestamptz,
  last_error    text,
  sent_at       timestamptz
);

create table alert_silences (
  id         text primary key,
  -- What it silences; all that is given has to fit.
  matches    json not null,
  reason     text not null,
  made_by    text not null,
  made_at    timestamptz not null,
  ends_at    timestamptz not null,
  ended_by   text,
  ended_at   timestamptz,
  -- Notices that were not sent because of it.
  held_back  integer not null default 0,
  told_end   boolean not null default false
);
create index alert_silences_recent on alert_silences (made_at desc, id desc);
create index alert_silences_live on alert_silences (ends_at) where ended_at is null;

-- Of all workers of an estate one watches, and one sends the heartbeat.
create table alert_clock (
  name         text primary key,
  leased_by    text,
  leased_until timestamptz,
  due_at       timestamptz not null default '-infinity'
);
insert into alert_clock (name) values ('watch'), ('heartbeat');

-- Deletes threads that ended and notices that were sent before a moment.
create function forget_alerts(cutoff timestamptz) returns void language sql as $$
  delete from alert_threads t where t.id in (select o.id from alert_threads o where o.state = 'resolved' and o.resolved_at < cutoff limit 1000);
  delete from alert_notices a where a.n in (select o.n from alert_notices o where o.state <> 'waiting' and o.created_at < cutoff limit 5000);
  delete from alert_silences s where s.ends_at < cutoff;
$$;

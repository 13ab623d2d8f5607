-- Views of the business, derived from the event log; `rebuild` empties them and sets their subscription back to the start.

create table orders (
  id           text primary key,
  channel      text not null,
  number       text not null,
  external_id  text not null,
  state        text not null,
  reason       text,
  version      text not null,
  placed_at    timestamptz not null,
  total_minor  bigint not null,
  currency     text not null,
  document     json not null,
  found_via    text,
  changed_at   timestamptz not null,
  finished_at  timestamptz
) with (fillfactor = 80);
create index orders_recent on orders (placed_at desc, id desc);
create index orders_state on orders (state, placed_at desc, id desc);
create index orders_number on orders (number);

create table exceptions (
  id             text primary key,
  subject        text not null,
  order_id       text,
  cause          text not null,
  summary        text not null,
  done_so_far    jsonb not null,
  if_nobody_acts text not null,
  allowed        jsonb not null,
  owner          text not null,
  risk_minor     bigint,
  risk_currency  text,
  sku            text,
  missing_milli  bigint,
  opened_at      timestamptz not null,
  state          text not null default 'open' check (state in ('open', 'decided')),
  action         text,
  decided_by     text,
  decided_at     timestamptz,
  decision_note  text
);
create index exceptions_open on exceptions (opened_at desc, id desc) where state = 'open';
create index exceptions_order on exceptions (order_id) where order_id is not null;

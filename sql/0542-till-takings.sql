-- What tills took back by their receipts, line by line, so that a unit of a receipt or of an order comes back once. Derived from the log.

create table till_takings (
  -- In this order takings of one line stand.
  n             bigint generated always as identity,
  key           text primary key,
  -- The receipt that took it back; the document it is, where its till gives no numbers.
  receipt       text not null,
  document_id   text,
  -- The line that sold it, as it is named: the day, and of a document the till, is not known while it is left out and the receipt has not
  -- come. A document is an epoch of its own with the number 0.
  store_id      text,
  till_id       text,
  epoch         text,
  business_day  date,
  sequence      bigint,
  line_document_id text,
  -- When it was sold, where the day is not said.
  sold_at       timestamptz,
  line_id       text,
  -- Instead, or of a line that was handed over for it: the order, whose own account has the claims.
  order_id      text,
  sku           text,
  serial        text,
  unit          text not null,
  milli         bigint not null check (milli > 0),
  given_minor   bigint not null,
  -- How many of its amounts the till rounded by themselves.
  amounts       integer not null,
  currency      text not null,
  taken_at      timestamptz not null,
  -- waiting: what was sold is not known yet. standing: it counts, as far as it was granted. voided: its receipt was.
  state         text not null default 'waiting' check (state in ('waiting', 'standing', 'voided')),
  -- Sold before its store's first day here: nobody expects its receipt, and no case is opened. It counts all the same when that comes.
  is_older      boolean not null default false,
  granted_milli bigint not null default 0,
  lost_milli    bigint not null default 0,
  lost_minor    bigint not null default 0,
  why           text,
  -- The open case about its loss, or about an original that does not come.
  case_id       text,
  -- How many were opened: one that comes back is another case, for a fact is told once.
  cases         integer not null default 0
);
create index till_takings_of_line on till_takings (store_id, epoch, sequence) where store_id is not null;
create index till_takings_of_receipt on till_takings (receipt);
create index till_takings_of_order on till_takings (order_id) where order_id is not null;
create index till_takings_waiting on till_takings (taken_at) where state = 'waiting';
create index till_takings_by_age on till_takings (taken_at);

-- Which receipts were voided, by which. A void may come before what it voids, and be voided itself.
create table voided_receipts (
  void         text primary key,
  store_id     text not null,
  till_id      text not null,
  epoch        text not null,
  -- Null where the void does not say it: then the number alone tells.
  business_day date,
  sequence     bigint not null,
  noted_at     timestamptz not null
);
create index voided_receipts_by_number on voided_receipts (store_id, epoch, sequence);
create index voided_receipts_by_age on voided_receipts (noted_at);

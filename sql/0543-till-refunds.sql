-- What tills gave back by receipts that the policy limits: for goods without their receipt, and while they had no connection. Derived from
-- the log.

create table till_refunds (
  -- In this order receipts that count together are counted.
  n           bigint generated always as identity,
  receipt     text not null,
  document_id text,
  kind        text not null check (kind in ('blind', 'offline')),
  -- Receipts with the same are counted together: of one customer, kept as a hash, or of one till on one day. Null: it stands alone.
  counts_with text,
  currency    text not null,
  given_minor bigint not null,
  given_at    timestamptz not null,
  -- What is not within the policy by this receipt alone.
  breaches    json not null,
  is_void     boolean not null default false,
  over_minor  bigint not null default 0,
  why         text not null default '',
  -- The open case about it.
  case_id     text,
  -- How many were opened: one that comes back is another case, for a fact is told once.
  cases       integer not null default 0,
  primary key (receipt, kind)
);
create index till_refunds_together on till_refunds (kind, counts_with) where counts_with is not null;
create index till_refunds_by_age on till_refunds (given_at);

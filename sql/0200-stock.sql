-- Stock: an append-only ledger, positions as its running sum, and reservations against them.
-- Quantities are thousandths of the unit. Location '' means "anywhere in the pool".
-- Lock order of every function: rows of stock_skus by sku, then everything else. Holding a SKU's row is holding the SKU.

create table stock_locations (
  location_id text primary key,
  -- Locations outside the pool (quarantine, a till's own stock) are promised only when asked for by name.
  is_pooled boolean not null default true,
  -- The moment, by its own clock, up to which the place's system has told what sells there. Buffers widen by its age.
  heard_at timestamptz,
  -- The moment it was last heard, when people were told that it is silent since.
  silence_told_at timestamptz
);

-- One row per SKU: the sums of the pool, the policy, and the lock. Columns that change together stand together, because an
-- update logs everything between the first and the last byte it changed. No index has a column that changes.
create table stock_skus (
  safety_stock_milli bigint not null default 0 check (safety_stock_milli >= 0),
  backorder_limit_milli bigint not null default 0 check (backorder_limit_milli >= 0),
  -- How far reservations may exceed what is there: the backorder limit, or more when a fact (a count, a theft) left less.
  -- Decisions never raise it, so a wrong decision fails on the check below instead of overselling.
  excess_limit_milli bigint not null default 0,
  on_hand_milli bigint not null default 0,
  reserved_milli bigint not null default 0 check (reserved_milli >= 0),
  -- Grows with every change of the pool's sums or of the policy.
  version bigint not null default 0,
  allows_backorder boolean not null default false,
  sku text primary key,
  check (allows_backorder or backorder_limit_milli = 0),
  check (reserved_milli - on_hand_milli <= excess_limit_milli)
) with (fillfactor = 70);

create table stock_positions (
  -- Moment of the last absolute count; facts that happened before it are already inside it.
  counted_at timestamptz,
  excess_limit_milli bigint not null default 0,
  on_hand_milli bigint not null default 0,
  reserved_milli bigint not null default 0 check (reserved_milli >= 0),
  -- Grows with every change of the position's sums.
  version bigint not null default 0,
  is_pooled boolean not null,
  sku text not null references stock_skus,
  location_id text not null references stock_locations check (location_id <> ''),
  primary key (sku, location_id),
  check (reserved_milli - on_hand_milli <= excess_limit_milli)
) with (fillfactor = 70);
-- What lies at one place, in pages. Neither column ever changes.
create index stock_positions_of_place on stock_positions (location_id, sku);

create table stock_ledger (
  -- Order of booking. Nothing looks rows up by it, so it has no index.
  id bigint generated always as identity,
  fact text not null,
  leg smallint not null,
  kind text not null check (kind in
    ('receipt', 'sale', 'pick', 'transfer', 'return', 'adjustment', 'count', 'shipment', 'correction')),
  sku text not null,
  location_id text not null,
  -- What the position changed by, and what the sender stated; they differ for counts and for facts a count covers.
  delta_milli bigint not null,
  stated_milli bigint not null,
  on_hand_after_milli bigint not null,
  reservation_key text,
  reason text,
  digest uuid not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now()
);
-- All legs of a fact are booked by one statement, so the first one is enough to keep a fact from being booked twice.
create unique index stock_ledger_fact on stock_ledger (fact) where leg = 0;
create index stock_ledger_position on stock_ledger (sku, location_id, occurred_at);
-- For figures. The ledger grows at its end, so a BRIN index is enough and costs inserts nothing.
create index stock_ledger_recent on stock_ledger using brin (recorded_at);

-- Ids come in blocks of 1024, one block a batch, so a batch needs one sequence call.
create sequence stock_reservation_block;

create table stock_reservations (
  key text primary key,
  id bigint not null,
  owner text not null,
  channel text,
  kind text not null check (kind in ('soft', 'hard')),
  state text not null default 'held' check (state in ('held', 'consumed', 'released', 'expired')),
  -- Of the request's body; null when a release came before the request did.
  digest uuid,
  expires_at timestamptz,
  end_reason text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  -- When a release or an expiry gave units back; a count that comes late asks for these.
  given_back_at timestamptz,
  -- Expiry looks only at expires_at, so a hard reservation cannot expire.
  check (kind = 'soft' or expires_at is null),
  check ((state = 'held') = (ended_at is null)),
  check (state = 'held' or expires_at is null)
-- An index predicate must not name a column that changes on the way of an ordinary order, or that update writes to every
-- index. A reservation that ended has no expiry.
) with (fillfactor = 90);
create index stock_reservations_due on stock_reservations (expires_at) where expires_at is not null;
-- What holds a unit is found from its line.
create index stock_reservations_id on stock_reservations (id);
create index stock_reservations_given_back on stock_reservations (given_back_at) where given_back_at is not null;

create table stock_reservation_lines (
  reservation_id bigint not null,
  sku text not null,
  location_id text not null default '',
  held_milli bigint not null check (held_milli >= 0),
  consumed_milli bigint not null default 0 check (consumed_milli >= 0),
  released_milli bigint not null default 0 check (released_milli >= 0),
  -- When the reservation was made.
  reserved_at timestamptz not null default now(),
  primary key (reservation_id, sku, location_id)
) with (fillfactor = 75);
create index stock_reservation_lines_live on stock_reservation_lines (sku) where held_milli > 0;

-- What the last count of a position had already deducted for reservations, and was therefore added back to on hand.
create table stock_counted_in (
  sku text not null,
  location_id text not null,
  reservation_id bigint not null,
  milli bigint not null check (milli >= 0),
  primary key (reservation_id, sku, location_id)
);
create index stock_counted_in_position on stock_counted_in (sku, location_id);

-- Held back from a channel, a location or a SKU; '' stands for any. The widest of those that apply counts.
create table stock_buffers (
  channel text not null default '',
  location_id text not null default '',
  sku text not null default '',
  buffer_milli bigint not null check (buffer_milli >= 0),
  primary key (sku, channel, location_id)
);

-- What stores get ready, as people list it: one row a pickup, written by a reader of the log, and made anew by setting its position back.
create table pickups (
  pickup_id    text primary key,
  order_id     text not null,
  channel      text not null,
  location_id  text not null,
  state        text not null,
  is_open      boolean not null,
  requested_at timestamptz not null,
  changed_at   timestamptz not null,
  pickup       jsonb not null
) with (fillfactor = 80);
-- A store's list: few of many are open.
create index pickups_open on pickups (location_id, requested_at, pickup_id) where is_open;
create index pickups_of_location on pickups (location_id, requested_at, pickup_id);
create index pickups_oldest on pickups (requested_at, pickup_id);
create index pickups_of_order on pickups (order_id);
-- Retention looks for those that ended long ago.
create index pickups_ended on pickups (changed_at) where not is_open;

-- KEEP. Pickups as they are after the facts that were read; a repeat writes the same.
create function keep_pickups(rows json) returns void language sql as $$
  insert into pickups (pickup_id, order_id, channel, location_id, state, is_open, requested_at, changed_at, pickup)
  select r."pickupId", r.pickup ->> 'orderId', r.pickup ->> 'channel', r.pickup ->> 'locationId', r.state, r."isOpen",
    (r.pickup ->> 'requestedAt')::timestamptz, r.at, r.pickup
  from json_to_recordset(rows) as r("pickupId" text, pickup jsonb, state text, "isOpen" boolean, at timestamptz)
  on conflict (pickup_id) do update set state = excluded.state, is_open = excluded.is_open, changed_at = excluded.changed_at,
    pickup = excluded.pickup
$$;

-- Wrong codes that were typed for a pickup, or by a caller at a store (`till`), one after another: they decide how long the next one waits. All
-- gateways share it. No view: what was typed is in no event.
create table pickup_wrong_codes (
  kind    text not null check (kind in ('pickup', 'till')),
  name    text not null,
  count   integer not null default 0,
  last_at timestamptz not null,
  primary key (kind, name)
);
create index pickup_wrong_codes_by_age on pickup_wrong_codes (last_at);

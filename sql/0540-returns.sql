-- Returns as people list them: one row a return, written by a reader of the log, and made anew by setting its position back.
create table returns (
  return_id    text primary key,
  order_id     text not null,
  channel      text,
  reference    text,
  how          text not null,
  reason       text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  state        text not null,
  goods        text not null,
  money        text not null,
  books        text not null,
  -- In the buyer's currency.
  due_minor    bigint not null default 0,
  given_minor  bigint not null default 0,
  currency     text,
  changed_at   timestamptz not null
) with (fillfactor = 80);
create index returns_newest on returns (requested_at desc, return_id desc);
create index returns_in_state on returns (state, requested_at desc, return_id desc);
create index returns_of_channel on returns (channel, requested_at desc, return_id desc);
create index returns_of_order on returns (order_id);
-- Those that have not ended: few of many.
create index returns_open on returns (requested_at desc, return_id desc) where state not in ('closed', 'declined', 'cancelled');

-- Retention looks for those that ended long ago.
create index returns_ended on returns (changed_at) where state in ('closed', 'declined', 'cancelled');

-- KEEP. Facts of returns, in the order of the log; a repeat changes nothing.
create function keep_returns(facts json) returns void language plpgsql as $$
declare
  f record;
begin
  for f in select * from json_to_recordset(facts) as x(what text, "returnId" text, "orderId" text, channel text, reference text, how text,
      reason text, "requestedBy" text, goods text, money text, books text, "dueMinor" bigint, "givenMinor" bigint, currency text, state text,
      at timestamptz) loop
    if f.what = 'requested' then
      insert into returns (return_id, order_id, channel, reference, how, reason, requested_by, requested_at, state, goods, money, books, changed_at)
      values (f."returnId", f."orderId", f.channel, f.reference, f.how, f.reason, f."requestedBy", f.at, 'requested', 'requested',
        'not due yet', 'not due yet', f.at)
      on conflict (return_id) do nothing;
    elsif f.what = 'progressed' then
      update returns r set goods = f.goods, money = f.money, books = f.books, due_minor = coalesce(f."dueMinor", r.due_minor),
        given_minor = coalesce(f."givenMinor", r.given_minor), currency = coalesce(f.currency, r.currency), changed_at = f.at
      where r.return_id = f."returnId";
    else
      update returns r set state = f.state, changed_at = f.at where r.return_id = f."returnId";
    end if;
  end loop;
end $$;

-- How far the numbered movements of a source are known without a gap, and what came beyond one.
create table stock_streams (
  source   text not null,
  stream   text not null,
  -- Every number up to this one is known, or was made good by an absolute.
  upto     bigint not null,
  -- Numbers beyond a gap, the newest thousand of them, with the moment the first of them came.
  ahead    bigint[] not null default '{}',
  gap_at   timestamptz,
  -- How often a gap was made good.
  gaps     integer not null default 0,
  primary key (source, stream)
);
create index stock_streams_gaps on stock_streams (gap_at) where gap_at is not null;

-- Notes numbers of streams. The first number that is heard of a stream begins it.
create function stock_note_numbers(sources text[], streams text[], numbers bigint[]) returns void language plpgsql as $$
declare
  told record;
  known stock_streams;
  next bigint;
begin
  for told in
    select n.source, n.stream, array_agg(distinct n.n order by n.n) as ns
    from unnest(sources, streams, numbers) as n(source, stream, n) group by 1, 2 order by 1, 2
  loop
    insert into stock_streams (source, stream, upto) values (told.source, told.stream, told.ns[1] - 1)
      on conflict do nothing;
    select * into known from stock_streams s where s.source = told.source and s.stream = told.stream for update;
    known.ahead := array(select distinct n from unnest(known.ahead || told.ns::bigint[]) n where n > known.upto order by 1);
    foreach next in array known.ahead loop
      exit when next <> known.upto + 1;
      known.upto := next;
    end loop;
    -- Where nobody can read the absolute a gap stays for ever, and must not grow with every movement.
    known.ahead := array(select n from (select n from unnest(known.ahead) n where n > known.upto order by 1 desc limit 1000) x order by 1);
    update stock_streams s set upto = known.upto, ahead = known.ahead,
        gap_at = case when known.ahead = '{}' then null else coalesce(s.gap_at, now()) end
      where s.source = told.source and s.stream = told.stream
        and (s.upto, s.ahead) is distinct from (known.upto, known.ahead);
  end loop;
end $$;

-- Closes a gap that an absolute made good, up to the last number that was known when the absolute was asked for. What came since may
-- have a gap of its own.
create function stock_close_gap(of_source text, of_stream text, from_n bigint, last_n bigint) returns void language plpgsql as $$
begin
  update stock_streams s set upto = last_n, gap_at = null, gaps = s.gaps + 1
    where (s.source, s.stream, s.upto) = (of_source, of_stream, from_n) and s.ahead <> '{}';
  if found then perform stock_note_numbers(array[of_source], array[of_stream], array[last_n]); end if;
end $$;

-- When the absolutes of a place were last read from a source, so that one process reads them and none too often.
create table stock_readings (
  source      text not null,
  location_id text not null,
  due_at      timestamptz not null,
  read_at     timestamptz,
  primary key (source, location_id)
);

-- The load of all that a channel shows, and how far it is.

-- Rows that are still to be read or computed because all are: of a load, or since what is declared changed.
create function publish_load_left(for_channel text, for_aspect text) returns bigint language sql stable as $$
  select (select count(*) from published_rows r where r.channel = for_channel and r.aspect = for_aspect and r.marks > r.assessed
      and r.changed_at is null)
    + (select count(*) from published_rows r where r.channel = for_channel and r.aspect = for_aspect and r.rank = 3
      and r.due_at <= clock_timestamp() and r.needs_look and r.marks = r.assessed)
$$;

-- So many more rows are loaded. One load follows another only when nothing of that is left.
create function publish_note_load(for_channel text, for_aspect text, more bigint) returns void language sql as $$
  insert into published_channels as c (channel, aspect, load_began, load_rows) values (for_channel, for_aspect, clock_timestamp(), more)
  on conflict (channel, aspect) do update set
    load_began = case when c.load_ended is null and c.load_began is not null then c.load_began else clock_timestamp() end,
    load_rows = case when c.load_ended is null then c.load_rows else 0 end + more, load_ended = null
$$;

-- Puts items of a channel at the end of what is due, to be read and written: the first load, and rows that are read back. Changes of
-- stock and falls go before them.
create function publish_load(for_channel text, for_aspect text, scopes text[], items text[]) returns bigint language sql as $$
  with loaded as (
    insert into published_rows as p (channel, aspect, item, scope, due_at)
    select for_channel, for_aspect, i, s, clock_timestamp() from unnest(items) i cross join unnest(scopes) s order by i, s
    on conflict (channel, aspect, item, scope) do update
      set needs_look = true, due_at = least(p.due_at, excluded.due_at), state = case when p.state in ('unmapped', 'derived', 'gone') then 'waiting' else p.state end
    returning 1
  ) select count(*) from loaded
$$;

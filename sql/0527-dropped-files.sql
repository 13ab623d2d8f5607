-- Files that tills' systems left in folders, by content: what became of each. Receipts count by their numbers; this says who brought them.
create table dropped_files (
  folder       text not null,
  -- SHA-256 of the content, in hex.
  digest       text not null,
  name         text not null,
  state        text not null check (state in ('taken', 'refused')),
  bytes        bigint not null,
  -- When its sender last wrote it or put it there, and when it was read.
  changed_at   timestamptz not null,
  taken_at     timestamptz not null,
  -- How many receipts by outcome, and the first problems with their places.
  counts       jsonb not null,
  problems     jsonb not null,
  -- The exception that people were told of it, while it is open.
  exception_id text,
  primary key (folder, digest, name)
);
create index dropped_files_newest on dropped_files (taken_at desc, folder, digest, name);
create index dropped_files_told on dropped_files (folder, name) where exception_id is not null;

-- NOTE. What became of a file; a repeat, after a death before it was moved, says the same again. Returns the exceptions of former files of
-- this name, which a file that was taken ends, and under which name the same content was read before.
create function note_dropped_file(f json) returns table (ended text[], same_as text) language plpgsql as $$
#variable_conflict use_column
declare
  ends text[] := '{}';
  before text;
begin
  select d.name into before from dropped_files d
  where d.folder = f ->> 'folder' and d.digest = f ->> 'digest' and (d.name <> f ->> 'name' or d.changed_at <> (f ->> 'changedAt')::timestamptz)
  order by d.taken_at limit 1;
  if f ->> 'state' = 'taken' then
    with told as (
      select d.folder, d.digest, d.name, d.exception_id from dropped_files d
      where d.folder = f ->> 'folder' and d.name = f ->> 'name' and d.exception_id is not null
      for update
    ), over as (
      update dropped_files d set exception_id = null from told
      where (d.folder, d.digest, d.name) = (told.folder, told.digest, told.name)
    ) select coalesce(array_agg(told.exception_id), '{}') into ends from told;
  end if;
  insert into dropped_files as d (folder, digest, name, state, bytes, changed_at, taken_at, counts, problems, exception_id)
  values (f ->> 'folder', f ->> 'digest', f ->> 'name', f ->> 'state', (f ->> 'bytes')::bigint, (f ->> 'changedAt')::timestamptz,
    (f ->> 'takenAt')::timestamptz, (f -> 'counts')::jsonb, (f -> 'problems')::jsonb, f ->> 'exceptionId')
  on conflict (folder, digest, name) do update set state = excluded.state, changed_at = excluded.changed_at, taken_at = excluded.taken_at,
    -- Read again before it was moved, its receipts are the same as before; what they were the first time is what people want to know.
    counts = case when d.changed_at = excluded.changed_at and d.state = excluded.state then d.counts else excluded.counts end,
    problems = excluded.problems, exception_id = excluded.exception_id;
  return query select ends, before;
end $$;

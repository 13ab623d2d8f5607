-- What people said about which exceptions are one group. A rule holds for later cases too, until it is undone; the groups of open
-- cases follow from the rules and from what the cases have in common, and can be computed again at any time.

create table exception_group_rules (
  id         bigint generated always as identity primary key,
  kind       text not null check (kind in ('merge', 'split')),
  -- The group that the rule takes cases from.
  group_id   text not null,
  -- Of a merge: the group that they are in instead. Of a split: the field of a case that tells its parts apart.
  into_group text check ((into_group is not null) = (kind = 'merge')),
  by_field   text check ((by_field is not null) = (kind = 'split')),
  reason     text not null,
  made_by    text not null,
  made_at    timestamptz not null,
  undone_by  text,
  undone_at  timestamptz
);
-- One rule for a group at a time, so that a case is in one group.
create unique index exception_group_rules_live on exception_group_rules (group_id) where undone_at is null;
create index exception_group_rules_into on exception_group_rules (into_group) where undone_at is null and into_group is not null;

-- The group of a case by the rules of now, and the rules that led there. A rule leads into a group that has none itself, and rules are
-- made one at a time, so there are no circles; the limit is a last defence.
create function group_way(x exceptions, out group_id text, out rules bigint[]) language plpgsql stable as $$
declare
  rule exception_group_rules;
begin
  group_id := exception_group(x.kind, x.connection, x.operation, x.code, x.field, x.value);
  rules := '{}';
  for step in 1..20 loop
    select r.* into rule from exception_group_rules r where r.group_id = group_way.group_id and r.undone_at is null;
    exit when not found;
    rules := rules || rule.id;
    group_id := case when rule.kind = 'merge' then rule.into_group
      else 'grp_' || substr(encode(sha256(convert_to(json_build_array('split', rule.group_id, rule.by_field,
        to_json(x) ->> rule.by_field)::text, 'UTF8')), 'hex'), 1, 16) end;
  end loop;
end $$;

-- Puts cases into their groups of now: these, or without ids all open ones. Returns how many moved.
create function regroup_exceptions(ids text[]) returns bigint language plpgsql as $$
declare
  moved bigint;
begin
  update exceptions x set group_id = w.group_id
  from (select e.id, (group_way(e)).group_id from exceptions e
    where e.state = 'open' and (ids is null or e.id = any (ids))) w
  where x.id = w.id and x.group_id <> w.group_id;
  get diagnostics moved = row_count;
  return moved;
end $$;

-- Puts new cases into their groups by the rules. Who opens cases holds a shared lock (7106, 0), who changes rules an exclusive one:
-- no case is opened under rules that are gone.
create function group_new_exceptions(ids text[]) returns void language plpgsql as $$
begin
  if exists (select from exception_group_rules r where r.undone_at is null) then
    perform regroup_exceptions(ids);
  end if;
end $$;

-- Before a rule is made or undone.
create function begin_group_rule() returns void language sql as $$
  select pg_advisory_xact_lock(7106, 0)
$$;

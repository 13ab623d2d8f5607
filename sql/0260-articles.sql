-- What a channel calls an article that the stock knows by another SKU. Set by people; the audit log says who and why.
create table article_mappings (
  channel  text not null,
  article  text not null,
  sku      text not null references stock_skus,
  set_by   text not null,
  reason   text,
  set_at   timestamptz not null default now(),
  primary key (channel, article)
);

-- The letters and digits of an article number, for likeness: `tee-m/red` and `TEE M RED` are alike.
create function article_letters(article text) returns text language sql immutable as $$
  select regexp_replace(upper(article), '[^[:alnum:]]', '', 'g')
$$;
create index stock_skus_letters on stock_skus (article_letters(sku) text_pattern_ops);
create index article_mappings_sku on article_mappings (sku);

-- Other names of an article, for ever: the stock keeps the SKU that it began with, and the ledger is never rewritten. Derived from
-- `product.renamed`.
create table article_aliases (
  alias text primary key,
  sku   text not null,
  since timestamptz not null
);
create index article_aliases_of on article_aliases (sku);

-- Notes that an article has one more name. Nothing is noted when goods were booked under both names: they are two stocks then, and only
-- people can say which is right. Returns the SKU that the stock keeps, null in that case. Repeated, it changes nothing.
create function note_alias(old_name text, new_name text, at timestamptz) returns text language plpgsql as $$
declare
  kept text := coalesce((select a.sku from article_aliases a where a.alias = old_name), old_name);
begin
  -- Renamed back: the stock never had another name.
  if new_name = kept then
    return kept;
  end if;
  if exists (select from stock_ledger l where l.sku = new_name) then
    if exists (select from stock_ledger l where l.sku = kept) then
      return null;
    end if;
    -- Nothing was ever booked under the old name.
    update article_aliases a set sku = new_name where a.sku = kept;
    insert into article_aliases (alias, sku, since) values (kept, new_name, at) on conflict (alias) do nothing;
    return new_name;
  end if;
  insert into article_aliases (alias, sku, since) values (new_name, kept, at) on conflict (alias) do nothing;
  return kept;
end $$;

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

-- The catalogue: what can be recommended.

create sequence item_versions;

create table items (
  item_key    text        primary key,
  -- title, categories, brand, price and any other attribute: see shared/catalog/item.ts.
  attributes  jsonb       not null default '{}',
  is_visible  boolean     not null default true,
  -- Grows with every change of any item, so that a process can ask what changed since it looked.
  version     bigint      not null default nextval('item_versions'),
  updated_at  timestamptz not null default now()
);

create unique index items_version on items (version);

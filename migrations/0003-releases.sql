-- Published models. The files are elsewhere (location); this row announces them.

create table releases (
  release_id    text        primary key,
  state         text        not null default 'candidate'
                check (state in ('candidate', 'shadow', 'live', 'retired')),
  location      text        not null, -- absolute folder
  manifest      jsonb       not null,
  published_at  timestamptz not null default now()
);

-- At most one release answers.
create unique index releases_one_live on releases (state) where state = 'live';

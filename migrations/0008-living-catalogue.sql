-- The catalogue while releases answer: every process hears of each change, and all of them give new items
-- the same IDs.

-- Changes commit in the order of their versions: who has seen version v will never later find a new row
-- at or below v. Whoever changes items waits here, before the first version is drawn, until those before
-- it have committed. The number is that of a lock, and says nothing else.
create function order_item_versions() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7203061925);
  return null;
end
$$;

create trigger items_in_order before insert or update on items
for each statement execute function order_item_versions();

-- Says that items changed, whoever changed them; nobody hears it before the commit. What is sent more than
-- once in a transaction arrives once.
create function tell_items_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('nextrie_items', '');
  return null;
end
$$;

create trigger items_changed after insert or update on items
for each statement execute function tell_items_changed();

-- The IDs of items that came after a release was trained. A release itself is never changed: the process
-- that places an item first writes it here, under the release's lock, and all others read it. Numbers
-- follow those of the release's own items, without a gap. Rows are appended, never changed, and go when
-- their release goes.
create table placed_items (
  release_id        text        not null references releases on delete cascade,
  item_number       integer     not null,
  item_key          text        collate "C" not null,
  codes             integer[]   not null,
  placed_at         timestamptz not null default now(),
  primary key (release_id, item_number),
  unique (release_id, item_key),
  unique (release_id, codes)
);

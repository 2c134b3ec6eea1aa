-- What a message about an item says beside its attributes: kept as it was sent, given back, never a
-- feature. Items written before have none.

alter table items add column properties jsonb not null default '{}';

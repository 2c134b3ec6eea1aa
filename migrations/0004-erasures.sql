-- That a visitor was erased, and when: kept without naming whom.

create table erasures (
  erasure_id        bigint generated always as identity primary key,
  -- SHA-256 of the visitor's id: who knows the id can prove the erasure, the row alone names nobody.
  visitor_hash      bytea       not null,
  erased_at         timestamptz not null default now(),
  events            bigint      not null,
  tails             bigint      not null,
  dead_letters      bigint      not null
);

--! breaking
-- The log over years: one partition for each month, so that the indexes that are written to stay
-- small, and old months go by dropping a relation.
--
-- Identity. A unique index of a partitioned relation must hold the partition key: an event is known
-- by its id within the month (UTC) in which it occurred. An event that is sent again is the same, its
-- time included, and so in the same month. The same id in another month is another event.
--
-- Months are made ahead by the programs (shared/eventlog/event-months.ts). An event for which there
-- is none, because it is old or its clock is wrong, is kept in events_other until its month is made.

alter table events rename to events_before_months;
alter index events_pkey rename to events_before_months_pkey;
drop index events_event_id, events_session;
alter table events_before_months alter column position drop identity;

create sequence events_position_seq;

create table events (
  -- Monotonic place in the log. Appends hold one advisory lock until they commit, so a reader that
  -- has seen position p will never later find a new row at or below p.
  position          bigint      not null default nextval('events_position_seq'),
  -- The first day of the month of occurred_at, in UTC.
  month             date        not null,
  event_id          text        collate "C" not null, -- compared as bytes: the faster index
  type              text        not null,
  session_id        text        collate "C" not null,
  visitor_id        text,
  item_key          text,
  occurred_at       timestamptz not null, -- the producer's clock
  received_at       timestamptz not null default now(), -- ours
  -- Everything else of the message as it was sent: items, value, context, unknown fields.
  properties        jsonb       not null default '{}',
  -- Makes redelivery harmless: an event that is already in the log is not appended again.
  primary key (event_id, month)
) partition by range (month);

alter sequence events_position_seq owned by events.position;

-- Reads a stretch of the log.
create index events_position on events (position);
-- Reads one session, and the events that follow it.
create index events_session on events (session_id, position);

create table events_other partition of events default;

-- Gives a month (its first day) a partition, and moves there what events_other has of it. Returns
-- whether it was new. The caller holds the log's lock.
create function add_events_month(first_day date) returns boolean
language plpgsql as $$
declare
  partition_name text := 'events_' || to_char(first_day, 'YYYY_MM');
begin
  -- Asked of the catalogue itself: to_regclass may answer from before the caller had the lock.
  if exists (select from pg_inherits join pg_class on pg_class.oid = inhrelid
             where inhparent = 'events'::regclass and relname = partition_name) then
    return false;
  end if;
  execute format('create table %I (like events including defaults)', partition_name);
  execute format(
    'with moved as (delete from events_other where month = %L returning *)
     insert into %I select * from moved', first_day, partition_name);
  execute format(
    'alter table events attach partition %I for values from (%L) to (%L)',
    partition_name, first_day, (first_day + interval '1 month')::date);
  return true;
end
$$;

-- What the log has so far. Months that ended long ago may stay in events_other.
select add_events_month(month)
from (select distinct date_trunc('month', occurred_at at time zone 'utc')::date as month
      from events_before_months
      where occurred_at > now() - interval '5 years' and occurred_at < now() + interval '1 day') as months;

insert into events (position, month, event_id, type, session_id, visitor_id, item_key,
                    occurred_at, received_at, properties)
select position, date_trunc('month', occurred_at at time zone 'utc')::date, event_id, type,
       session_id, visitor_id, item_key, occurred_at, received_at, properties
from events_before_months order by position;

select setval('events_position_seq', coalesce(max(position), 0) + 1, false) from events;

drop table events_before_months;

-- What a tail is: the newest 50 events of a session that name one item, by time and then by position.
-- session_tails is kept up by the programs and must always equal this. `events` is a text of lines,
-- explained in shared/eventlog/tail-text.ts.
create view events_tails as
select session_id,
       (array_agg(visitor_id order by position desc) filter (where visitor_id is not null))[1]
         as visitor_id,
       string_agg(
         concat_ws(E'\t',
           to_char(occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           type,
           replace(replace(replace(replace(event_id, E'\\', E'\\\\'), E'\t', E'\\t'), E'\n', E'\\n'), E'\r', E'\\r'),
           replace(replace(replace(replace(item_key, E'\\', E'\\\\'), E'\t', E'\\t'), E'\n', E'\\n'), E'\r', E'\\r')),
         E'\n' order by occurred_at, position) filter (where place <= 50) as events,
       least(count(*), 50)::smallint as event_count,
       min(occurred_at) filter (where place <= 50) as first_occurred_at,
       max(occurred_at) as last_occurred_at
from (
  select *, row_number() over (
    partition by session_id order by occurred_at desc, position desc) as place
  from events where item_key is not null and type <> 'impression'
) as ranked
group by session_id;

drop table session_tails;

-- The newest events of each session, kept beside the log so that serving reads one row.
create table session_tails (
  session_id        text        collate "C" primary key,
  visitor_id        text,
  events            text        not null,
  event_count       smallint    not null,
  -- Never later than the first of `events`.
  first_occurred_at timestamptz not null,
  last_occurred_at  timestamptz not null,
  updated_at        timestamptz not null default now()
) with (fillfactor = 50); -- room on the page for the next version of a row, so that no index is written

insert into session_tails
  (session_id, visitor_id, events, event_count, first_occurred_at, last_occurred_at)
select * from events_tails;

-- The event log: what visitors did, in the order it was accepted. Rows are appended, never changed.

create table events (
  -- Monotonic place in the log. Appends hold one advisory lock until they commit, so a reader that
  -- has seen position p will never later find a new row at or below p.
  position          bigint generated always as identity primary key,
  event_id          text        not null,
  type              text        not null,
  session_id        text        not null,
  visitor_id        text,
  item_key          text,
  occurred_at       timestamptz not null, -- the producer's clock
  received_at       timestamptz not null default now(), -- ours
  -- Everything else of the message as it was sent: items, value, context, unknown fields.
  properties        jsonb       not null default '{}'
);

-- Makes redelivery harmless: an event that is already in the log is not appended again.
create unique index events_event_id on events (event_id);
-- Reads one session, and the events that follow it.
create index events_session on events (session_id, position);

-- The newest events of each session, kept beside the log so that serving reads one row.
create table session_tails (
  session_id        text        primary key,
  visitor_id        text,
  -- Array of {"id", "type", "item", "at"}, oldest first, at most 50.
  events            jsonb       not null,
  last_occurred_at  timestamptz not null,
  updated_at        timestamptz not null default now()
);

-- Where each consumer group goes on. Committed with the events themselves.
create table consumer_offsets (
  consumer_group    text        not null,
  topic             text        not null,
  partition         integer     not null,
  next_offset       bigint      not null,
  updated_at        timestamptz not null default now(),
  primary key (consumer_group, topic, partition)
);

-- Messages that could not be accepted, exactly as they came.
create table dead_letters (
  dead_letter_id    bigint generated always as identity primary key,
  topic             text        not null,
  partition         integer     not null,
  message_offset    bigint      not null,
  key               bytea,
  payload           bytea,
  headers           jsonb       not null default '{}',
  reason            text        not null,
  received_at       timestamptz not null default now(),
  unique (topic, partition, message_offset)
);

-- What a partition's log is known by: the last message that was committed, its offset and the timestamp that
-- Kafka gives with it. A topic that was deleted and made anew has another message there, or none. Empty
-- until the next commit: then the offset alone is believed.

alter table consumer_offsets
  add column last_offset     bigint,
  add column last_timestamp  text; -- compared, never reckoned with: a producer may write any number

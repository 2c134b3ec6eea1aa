-- What serving keeps of questions: the defaults that the shop names, and what was answered just now.

-- Named defaults of a question's fields. All of them are held by every serving process.
create table scenarios (
  name              text        collate "C" primary key,
  -- The fields as a request has them. Not jsonb, which cannot hold every text that JSON can.
  defaults          json        not null,
  changed_at        timestamptz not null default now()
);

-- Answers of which a next page may be asked for: the newest ones only, for half an hour. Unlogged, since
-- one is written for every answer and none is missed for long: a crash of Postgres empties it.
create unlogged table kept_answers (
  -- UUID version 7: by time.
  recommendation_id uuid        primary key,
  -- As JSON, with the defaults of its scenario filled in.
  question          text        not null,
  -- Keys of the items of this page and of all pages before it, as JSON.
  shown             text        not null
);

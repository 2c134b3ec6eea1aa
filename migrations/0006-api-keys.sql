-- Who may ask the service. The key itself is shown once, when it is made, and kept nowhere.

create table api_keys (
  -- The public part of the key: names it in lists and logs.
  key_id            text        collate "C" primary key,
  -- Whose key it is, in the shop's own words.
  name              text        not null,
  role              text        not null check (role in ('read', 'write', 'admin')),
  -- SHA-256 of the secret part, which has 256 random bits: nothing to guess, so nothing to slow down.
  secret_hash       bytea       not null check (octet_length(secret_hash) = 32),
  created_at        timestamptz not null default now(),
  -- Not valid from then on. Later than now after a rotation. Rows stay: a service that once had a key
  -- never opens again.
  ends_at           timestamptz
);

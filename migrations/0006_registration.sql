-- Registration and recovery: what a resident proves step by step, and what the proofs rest on.

-- A phone proven by a one-time code, then an identity at an authority. `draft`, what was typed, is
-- sealed under a key that only the browser's address holds: neither this row nor a backup of it
-- opens without the browser. Attempts and outcomes are rows, so that nothing can be rolled back.
CREATE TABLE challenges (
    challenge_id    TEXT NOT NULL PRIMARY KEY,
    purpose         TEXT NOT NULL,
    draft           TEXT NOT NULL,
    code_tag        TEXT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    tries           BIGINT NOT NULL,
    confirmed_at    BIGINT,
    checks          BIGINT NOT NULL,
    checking_until  BIGINT,
    outcome         TEXT,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL
);
CREATE INDEX challenges_by_expiry ON challenges (expires_at);

-- How often something was asked for in its window of time; the key is a blind index.
CREATE TABLE counters (
    counter_key TEXT NOT NULL PRIMARY KEY,
    count       BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL
);
CREATE INDEX counters_by_end ON counters (ends_at);

-- Whether a carrier said that the phone is the account's person's own; one that was confirmed by a
-- code alone may be a relative's.
ALTER TABLE account_phones ADD COLUMN in_own_name BOOLEAN NOT NULL DEFAULT FALSE;

-- What a check rests on: it ends when the account loses that document or phone. NULL on rows of
-- older releases: they rest on every document, and on no phone.
ALTER TABLE checks ADD COLUMN document_key TEXT;
ALTER TABLE checks ADD COLUMN phone_key TEXT;

-- The browser and system of a login as its person would name them, such as `Chrome · Android`.
ALTER TABLE sessions ADD COLUMN device TEXT;

-- Counts up whenever all that was begun with an account ends: a session or an authorization holds
-- while its number is the account's. So one that is written at the same moment, unseen by whoever
-- ends them all, is void too.
ALTER TABLE accounts ADD COLUMN access_epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN access_epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authorizations ADD COLUMN access_epoch BIGINT NOT NULL DEFAULT 0;

-- What happened to an account, for its person to see.
CREATE TABLE account_notices (
    account_id TEXT NOT NULL REFERENCES accounts (account_id),
    notice_id  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (account_id, notice_id)
);

-- Which version of the privacy notice a person was shown, and when they went on.
CREATE TABLE privacy_acknowledgments (
    account_id      TEXT NOT NULL REFERENCES accounts (account_id),
    version         TEXT NOT NULL,
    acknowledged_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, version)
);

-- Accounts: one natural person each. What is personal is inside `profile`, sealed under the
-- account's own key; the columns beside it say nothing about who it is.
-- Keys are (account_id, time-ordered id) and foreign keys stay inside an account, so that the
-- tables can be spread over shards by account_id.

CREATE TABLE accounts (
    account_id    TEXT NOT NULL PRIMARY KEY,
    status        TEXT NOT NULL,
    key_bucket    BIGINT NOT NULL,
    key_version   BIGINT NOT NULL,
    wrapped_key   TEXT NOT NULL,
    profile       TEXT NOT NULL,
    index_version BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL
);

-- Look-up tables: the key is the blind index, the value the account. A document has one holder;
-- a phone may serve as many accounts as it has places.
CREATE TABLE account_documents (
    document_key  TEXT NOT NULL PRIMARY KEY,
    index_version BIGINT NOT NULL,
    account_id    TEXT NOT NULL
);

CREATE TABLE account_phones (
    phone_key     TEXT NOT NULL,
    account_id    TEXT NOT NULL,
    place         BIGINT NOT NULL,
    index_version BIGINT NOT NULL,
    confirmed_at  BIGINT,
    PRIMARY KEY (phone_key, account_id),
    UNIQUE (phone_key, place)
);

CREATE TABLE credentials (
    account_id    TEXT NOT NULL REFERENCES accounts (account_id),
    credential_id TEXT NOT NULL,
    kind          TEXT NOT NULL,
    secret        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, credential_id)
);

-- What was checked, by whom and when. The identity assurance level is derived from these rows and
-- stored nowhere.
CREATE TABLE checks (
    account_id    TEXT NOT NULL REFERENCES accounts (account_id),
    check_id      TEXT NOT NULL,
    method        TEXT NOT NULL,
    authority     TEXT NOT NULL,
    reference     TEXT NOT NULL,
    result        TEXT NOT NULL,
    performed_at  BIGINT NOT NULL,
    expires_at    BIGINT,
    PRIMARY KEY (account_id, check_id)
);

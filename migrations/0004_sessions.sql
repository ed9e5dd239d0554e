-- What a resident's logins leave behind. All keyed by account, so that one login writes one shard.

CREATE TABLE sessions (
    account_id       TEXT NOT NULL REFERENCES accounts (account_id),
    session_id       TEXT NOT NULL,
    secret_hash      TEXT NOT NULL,
    methods          TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    PRIMARY KEY (account_id, session_id)
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The subject a sector knows an account by. Computed once; the stored value wins.
CREATE TABLE subjects (
    account_id TEXT NOT NULL REFERENCES accounts (account_id),
    sector     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    PRIMARY KEY (account_id, sector)
);

-- What a resident allowed a client (consent) or was told it receives (notice).
CREATE TABLE grants (
    account_id TEXT NOT NULL REFERENCES accounts (account_id),
    client_id  TEXT NOT NULL,
    grant_id   TEXT NOT NULL,
    scope      TEXT NOT NULL,
    claims     TEXT NOT NULL,
    terms      TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (account_id, client_id)
);

-- One redeemed code and the tokens that came of it. The row's insertion is the redemption: its key
-- is the code's own identifier. `refresh_count` is the refresh token family's counter; NULL where
-- no refresh token was issued.
CREATE TABLE authorizations (
    account_id       TEXT NOT NULL REFERENCES accounts (account_id),
    authorization_id TEXT NOT NULL,
    client_id        TEXT NOT NULL,
    session_id       TEXT NOT NULL,
    grant_id         TEXT NOT NULL,
    subject          TEXT NOT NULL,
    scope            TEXT NOT NULL,
    details          TEXT NOT NULL,
    issued_at        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    refresh_count    BIGINT,
    rotated_at       BIGINT,
    revoked_at       BIGINT,
    PRIMARY KEY (account_id, authorization_id)
);
CREATE INDEX authorizations_by_expiry ON authorizations (expires_at);

-- Relying parties: few, read by all, cached by every process and refreshed by the change feed.

CREATE TABLE clients (
    client_id     TEXT NOT NULL PRIMARY KEY,
    status        TEXT NOT NULL,
    metadata      TEXT NOT NULL,
    secret_hash   TEXT,
    registered_at BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL
);

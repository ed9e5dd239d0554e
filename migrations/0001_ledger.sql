-- What every other table stands on: the change feed, the audit log, the provider's keys, usage.
-- Portable subset: TEXT, BIGINT, BOOLEAN; instants are Unix milliseconds.

-- A change takes its number by UPDATE of its lane, last in its transaction: the row stays locked
-- until the commit, so within a lane number order is commit order.
CREATE TABLE change_lanes (
    lane BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);
INSERT INTO change_lanes (lane, seq) VALUES
    (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);

CREATE TABLE changes (
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (lane, seq)
);

-- Work that one process at a time does.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- A writer is one process's stay in the audit log. `closed`: its last head stands in a link batch
-- and nothing more is expected of it.
CREATE TABLE audit_writers (
    writer TEXT NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    ended_at BIGINT,
    closed BOOLEAN NOT NULL
);

-- Written once, in the transaction of what they record; never updated.
CREATE TABLE audit_events (
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id TEXT,
    client_id TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (writer, seq)
);

-- One signed statement about the events that a writer saw committed.
CREATE TABLE audit_batches (
    writer TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    previous TEXT NOT NULL,
    at BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    highest BIGINT NOT NULL,
    count BIGINT NOT NULL,
    spans TEXT NOT NULL,
    root TEXT NOT NULL,
    links TEXT NOT NULL,
    sealed_by TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (writer, number)
);

-- The provider's keys; `wrapped` is sealed under the master key.
CREATE TABLE keys (
    key_id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    number BIGINT NOT NULL,
    status TEXT NOT NULL,
    public TEXT,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    current_at BIGINT,
    retired_at BIGINT
);
-- Two rotations, or two first starts, at once: one of them wins.
CREATE UNIQUE INDEX keys_by_number ON keys (purpose, algorithm, number);

-- Facts about the installation that must not change under it, such as which key store is its own.
CREATE TABLE installation (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- What is counted rather than recorded: per client and minute, per account and day.
CREATE TABLE usage_minutes (
    writer TEXT NOT NULL,
    minute BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (writer, minute, client_id, kind)
);
CREATE TABLE usage_days (
    writer TEXT NOT NULL,
    day BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    claims TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (writer, day, account_id, client_id, claims)
);

-- Wrong passwords, counted before they are found to be wrong: a guess that turns out right takes its
-- row away. The key is a blind index (of a name and an address block, of a known device, of a name
-- from anywhere), so a row says neither who nor where, and no two keys of one account can be linked.
CREATE TABLE login_failures (
    failure_key  TEXT NOT NULL PRIMARY KEY,
    failures     BIGINT NOT NULL,
    failed_at    BIGINT NOT NULL,
    forgotten_at BIGINT NOT NULL
);
CREATE INDEX login_failures_by_end ON login_failures (forgotten_at);

-- How far each process's chain of the audit log was seen to reach in the main database, and the signature
-- of its last batch: a database that has not that batch is older, or has gone on from an older one.
CREATE TABLE journal_chains (
    writer TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    signature TEXT NOT NULL,
    noted_at BIGINT NOT NULL
);

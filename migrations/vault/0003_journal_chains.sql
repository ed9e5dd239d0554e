-- How far each process's chain of the audit log was seen to reach in the main database: one in which
-- it ends earlier is older.
CREATE TABLE journal_chains (
    writer TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    noted_at BIGINT NOT NULL
);

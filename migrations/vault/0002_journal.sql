-- The journal of takeaways: what was ended or narrowed in the main database, kept apart from it, so
-- that a restore of yesterday's database takes it away again.

-- How far the main database's changes are in the journal, and behind which number all of them are.
CREATE TABLE journal_lanes (
    lane BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    covered_from BIGINT NOT NULL
);

-- One row a thing, as it was after its last change. `state` is JSON; kinds that only end have none.
CREATE TABLE takeaways (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kept_until BIGINT NOT NULL,
    state TEXT,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX takeaways_by_end ON takeaways (kept_until);

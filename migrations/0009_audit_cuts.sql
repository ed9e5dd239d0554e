-- In which order the audit log goes out: each export cuts off what all chains have grown by since the
-- one before. Nothing in a batch says in which order chains grew, and a cut never changes, so that a
-- position in this order means the same to everybody and for good.

CREATE TABLE audit_cuts (
    position     BIGINT NOT NULL PRIMARY KEY,
    writer       TEXT NOT NULL,
    first_number BIGINT NOT NULL,
    last_number  BIGINT NOT NULL
);
-- A batch is in one cut; and the end of what a chain has in cuts.
CREATE UNIQUE INDEX audit_cuts_by_writer ON audit_cuts (writer, first_number);

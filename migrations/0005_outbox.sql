-- What is to be delivered later: messages to people, and whatever else must not get lost between a
-- commit and somebody else's server.

-- Identifiers are time-ordered: new items go to the end, and items of one ordering key are
-- delivered in that order. `due_at` is when an item may be taken: after a pause between attempts,
-- or when the lease of its holder lapses; NULL when it never may again. Whoever takes it moves
-- `due_at` in the same statement, so of several one gets it. `payload` is sealed and ends with the
-- delivery: delivered items are deleted, those given up (`failed_at`) keep no payload. What is about an
-- account's person goes with the account.
CREATE TABLE outbox (
    item_id    TEXT NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    ordering   TEXT,
    account_id TEXT,
    payload    TEXT,
    created_at BIGINT NOT NULL,
    due_at     BIGINT,
    expires_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    holder     TEXT,
    failed_at  BIGINT
);
-- Asked several times a second: finds what is due and nothing else.
CREATE INDEX outbox_by_due ON outbox (kind, due_at);
CREATE INDEX outbox_by_ordering ON outbox (ordering, item_id);
CREATE INDEX outbox_by_failure ON outbox (failed_at);

-- Removed accounts, and what makes their removal final: the key of their bucket is replaced.

-- What stays of a removed account: that it was there, and which key its own lay under. A deletion
-- holds once every version of the bucket's key up to `key_version` is out of the key store.
CREATE TABLE erasures (
    account_id      TEXT NOT NULL PRIMARY KEY,
    key_bucket      BIGINT NOT NULL,
    key_version     BIGINT NOT NULL,
    removed_at      BIGINT NOT NULL,
    key_replaced_at BIGINT
);
CREATE INDEX erasures_pending ON erasures (key_bucket) WHERE key_replaced_at IS NULL;

-- The lowest version of a bucket's key that an account may lie under. Whoever adds an account holds
-- this row until the commit, and so does whoever raises it: no account slips in behind.
CREATE TABLE key_buckets (
    key_bucket     BIGINT NOT NULL PRIMARY KEY,
    lowest_version BIGINT NOT NULL
);

-- The accounts of a bucket that still lie under an old key.
CREATE INDEX accounts_by_key ON accounts (key_bucket, key_version);
-- What leads to an account goes with it, whether or not its profile can still be opened.
CREATE INDEX account_documents_by_account ON account_documents (account_id);
CREATE INDEX account_phones_by_account ON account_phones (account_id);

-- Counts are swept by their age.
CREATE INDEX usage_minutes_by_minute ON usage_minutes (minute);
CREATE INDEX usage_days_by_day ON usage_days (day);

-- The key store: bucket keys, apart from the database whose profiles they open, so that deleting a
-- key deletes what it sealed once the key store's own short-lived backups lapse.

CREATE TABLE vault_facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- `wrapped` is sealed under the master key; the highest version of a bucket seals anew.
CREATE TABLE bucket_keys (
    bucket BIGINT NOT NULL,
    version BIGINT NOT NULL,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, version)
);

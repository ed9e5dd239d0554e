//! What all use cases write through: audit, sealed profiles, change feed, keys.

//! Keys, signatures, sealing, password hashing, blind index. Knows nothing of storage.

//! Everything that calls out, behind one guarded HTTP client.

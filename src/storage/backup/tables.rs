//! Every table with its columns, and whether a backup has it.
//!
//! A list, so that what a backup holds is decided for each and forgotten for none: a test compares
//! it with the schema of both engines. In an order in which rows may be inserted.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `TEXT`.
    Text,
    /// `BIGINT`.
    Integer,
    /// `BOOLEAN`.
    Boolean,
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// Whether a backup has a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// It has.
    Carried,
    /// It has, and the rows are there in every database: their numbers are what counts.
    Advanced,
    /// It has not: what they hold is over in minutes, or a process's that is no more, or is of no
    /// use to who has the backup alone.
    Left,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Whether a backup has its rows.
    pub carriage: Carriage,
    /// The columns of its primary key, in order.
    pub key: &'static [&'static str],
    /// All columns, those of later migrations last.
    pub columns: &'static [Column],
}

/// `Carriage name (key, …) { column kind, … } …`
macro_rules! tables {
    ($($carriage:ident $name:ident ($($key:ident),+) { $($column:ident $kind:ident,)+ })+) => {
        &[$(Table {
            name: stringify!($name),
            carriage: Carriage::$carriage,
            key: &[$(stringify!($key)),+],
            columns: &[$(Column { name: stringify!($column), kind: kinds::$kind }),+],
        }),+]
    };
}

/// The kinds as they are written below.
#[expect(
    non_upper_case_globals,
    reason = "they read as the columns beside them"
)]
mod kinds {
    use super::Kind;

    pub(super) const text: Kind = Kind::Text;
    pub(super) const integer: Kind = Kind::Integer;
    pub(super) const boolean: Kind = Kind::Boolean;
}

/// The main database's.
pub static MAIN: &[Table] = tables! {
    Advanced change_lanes (lane) {
        lane integer, seq integer,
    }
    Carried changes (lane, seq) {
        lane integer, seq integer, at integer, kind text, subject text,
    }
    Left leases (name) {
        name text, holder text, expires_at integer,
    }
    Carried audit_writers (writer) {
        writer text, started_at integer, heartbeat_at integer, ended_at integer, closed boolean,
    }
    Carried audit_events (writer, seq) {
        writer text, seq integer, at integer, kind text, account_id text, client_id text,
        detail text,
    }
    Carried audit_batches (writer, number) {
        writer text, number integer, kind text, previous text, at integer, settled integer,
        highest integer, count integer, spans text, root text, links text, sealed_by text,
        key_id text, signature text,
    }
    Carried keys (key_id) {
        key_id text, purpose text, algorithm text, number integer, status text, public text,
        wrapped text, created_at integer, current_at integer, retired_at integer,
    }
    Carried installation (name) {
        name text, value text,
    }
    Carried usage_minutes (writer, minute, client_id, kind) {
        writer text, minute integer, client_id text, kind text, count integer,
    }
    Carried usage_days (writer, day, account_id, client_id, claims) {
        writer text, day integer, account_id text, client_id text, claims text, count integer,
    }
    Carried accounts (account_id) {
        account_id text, status text, key_bucket integer, key_version integer, wrapped_key text,
        profile text, index_version integer, created_at integer, changed_at integer,
        access_epoch integer,
    }
    Carried account_documents (document_key) {
        document_key text, index_version integer, account_id text,
    }
    Carried account_phones (phone_key, account_id) {
        phone_key text, account_id text, place integer, index_version integer,
        confirmed_at integer, in_own_name boolean,
    }
    Carried credentials (account_id, credential_id) {
        account_id text, credential_id text, kind text, secret text, created_at integer,
        changed_at integer,
    }
    Carried checks (account_id, check_id) {
        account_id text, check_id text, method text, authority text, reference text, result text,
        performed_at integer, expires_at integer, document_key text, phone_key text,
    }
    Carried clients (client_id) {
        client_id text, status text, metadata text, secret_hash text, registered_at integer,
        changed_at integer,
    }
    Carried sessions (account_id, session_id) {
        account_id text, session_id text, secret_hash text, methods text,
        authenticated_at integer, expires_at integer, ended_at integer, device text,
        access_epoch integer,
    }
    Carried subjects (account_id, sector) {
        account_id text, sector text, subject text,
    }
    Carried grants (account_id, client_id) {
        account_id text, client_id text, grant_id text, scope text, claims text, terms text,
        granted_at integer, revoked_at integer,
    }
    Carried authorizations (account_id, authorization_id) {
        account_id text, authorization_id text, client_id text, session_id text, grant_id text,
        subject text, scope text, details text, issued_at integer, expires_at integer,
        refresh_count integer, rotated_at integer, revoked_at integer, access_epoch integer,
    }
    Carried outbox (item_id) {
        item_id text, kind text, ordering text, account_id text, payload text, created_at integer,
        due_at integer, expires_at integer, attempts integer, holder text, failed_at integer,
    }
    Left challenges (challenge_id) {
        challenge_id text, purpose text, draft text, code_tag text, code_expires_at integer,
        tries integer, confirmed_at integer, checks integer, checking_until integer, outcome text,
        created_at integer, expires_at integer,
    }
    Left counters (counter_key) {
        counter_key text, count integer, ends_at integer,
    }
    Carried account_notices (account_id, notice_id) {
        account_id text, notice_id text, kind text, at integer, client_id text,
    }
    Carried privacy_acknowledgments (account_id, version) {
        account_id text, version text, acknowledged_at integer,
    }
    Carried erasures (account_id) {
        account_id text, key_bucket integer, key_version integer, removed_at integer,
        key_replaced_at integer,
    }
    Carried key_buckets (key_bucket) {
        key_bucket integer, lowest_version integer,
    }
    Left login_failures (failure_key) {
        failure_key text, failures integer, failed_at integer, forgotten_at integer,
    }
    Carried audit_cuts (position) {
        position integer, writer text, first_number integer, last_number integer,
    }
};

/// The key store's.
pub static VAULT: &[Table] = tables! {
    Carried vault_facts (name) {
        name text, value text,
    }
    Carried bucket_keys (bucket, version) {
        bucket integer, version integer, wrapped text, created_at integer,
    }
    Left journal_lanes (lane) {
        lane integer, seq integer, covered_from integer,
    }
    Left takeaways (kind, subject) {
        kind text, subject text, lane integer, seq integer, at integer, kept_until integer,
        state text,
    }
    Left journal_chains (writer) {
        writer text, number integer, signature text, noted_at integer,
    }
};

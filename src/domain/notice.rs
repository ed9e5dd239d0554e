//! What happened to an account, for its person to see.

use super::client::ClientId;
use super::code_list::code_list;
use super::instant::Instant;

code_list! {
    /// What happened.
    pub enum NoticeKind {
        /// The account was opened.
        Registered = "registered",
        /// Somebody who proved to be its person set a new password.
        Recovered = "recovered",
        /// Another account, better proven, took over a document of this one.
        DocumentLost = "document_lost",
        /// This account took over a document from one that was proven less.
        DocumentTaken = "document_taken",
        /// A phone left this account: its carrier says that it is another person's.
        PhoneLost = "phone_lost",
        /// A phone was confirmed again.
        PhoneConfirmed = "phone_confirmed",
        /// A login was ended from another one.
        SessionEnded = "session_ended",
        /// A consent was taken back.
        ConsentWithdrawn = "consent_withdrawn",
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// When.
    pub at: Instant,
    /// The client that it is about, if it is about one.
    pub client_id: Option<ClientId>,
}

//! Use cases of residents: login, sessions, consent, import.

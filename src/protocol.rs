//! The words of the specifications: requests, responses, metadata, scopes; parsing and rules. Pure.

pub mod jose;

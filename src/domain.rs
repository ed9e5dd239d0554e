//! Our things and their rules: accounts, documents, clients, sessions, grants, authorizations.
//!
//! Pure: no I/O, nothing async, no ambient clock or randomness (both are parameters, see
//! [`clock::Clock`] and [`entropy::Entropy`]).

pub mod account;
pub mod account_record;
pub mod address_block;
mod ascii_form;
pub mod assurance;
pub mod authentication;
pub mod authorization;
pub mod backoff;
pub mod challenge;
pub mod check;
pub mod client;
pub mod client_address;
pub mod clock;
pub mod code_list;
pub mod document;
pub mod email;
pub mod entropy;
pub mod grant;
pub mod id;
pub mod instant;
pub mod limit;
pub mod message;
pub mod name;
pub mod notice;
pub mod one_time_code;
pub mod password_policy;
pub mod phone;
pub mod phone_holder;
pub mod secret;
pub mod session;
pub mod social_credit_code;
pub mod username;

//! Attacks that other providers fell for, each tried here. The cases and their numbers are those
//! of `docs/evidence/attacks.md`.

mod clients;
mod codes;
mod outside;
mod pages;
mod pkce;
mod proofing;
mod redirects;
mod requests;
mod sessions;
mod strangers;
mod subjects;
mod tokens;

//! Attacks that other providers fell for, each tried here. The cases and their numbers are those
//! of `docs/evidence/attacks.md`.

mod clients;
mod outside;
mod redirects;
mod sessions;
mod strangers;
mod subjects;
mod tokens;

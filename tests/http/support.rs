//! Actors and assertions that the tests are written with.

mod answer;
mod applicant;
mod authority;
mod backchannel;
mod browser;
mod page;
mod parts;
mod people;
mod portal;
mod request;
mod server;
mod signature;
mod steps;
mod template;

pub(crate) use answer::{
    Answer, assert_page_refuses, assert_redirect_refuses, assert_refused, claims_of,
};
pub(crate) use applicant::{Applicant, document, phone};
pub(crate) use authority::LEFT_ALONE;
pub(crate) use backchannel::{Ears, Reply, Telling, Told};
pub(crate) use browser::Browser;
pub(crate) use page::Page;
pub(crate) use parts::{CHECKS_COUNT_FOR, PATIENCE};
pub(crate) use people::{LI, Person, WANG, ZHANG};
pub(crate) use portal::{Portal, Tokens, basic};
pub(crate) use request::{AuthorizationRequest, Code, NONCE, STATE, challenge};
pub(crate) use server::{ISSUER, Server, Setup, operation, quick, race, tweaked};
pub(crate) use signature::{assert_signed, half_hash, header_of};
pub(crate) use steps::wrong;

use std::time::Duration;

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

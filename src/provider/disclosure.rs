//! Which claims of a person leave, given what was granted.

use std::collections::BTreeSet;

use crate::accounts::profile::Profile;
use crate::domain::authorization::Authorization;
use crate::protocol::claims_request::Claim;
use crate::protocol::userinfo::ReleasedClaims;

/// The claims that an authorization's access tokens can fetch: those of the scope, and those asked
/// for one by one (OpenID Connect Core §5.4, §5.5).
pub(super) fn of_userinfo(authorization: &Authorization) -> BTreeSet<Claim> {
    let single = authorization.details.userinfo_claims.iter().copied();
    Claim::of_scope(&authorization.scope)
        .chain(single)
        .collect()
}

/// The names of all that an authorization discloses, for the record made at first issue.
pub(super) fn names(authorization: &Authorization) -> Vec<&'static str> {
    let mut claims = of_userinfo(authorization);
    claims.extend(authorization.details.id_token_claims.iter().copied());
    claims.into_iter().map(Claim::as_str).collect()
}

/// The values of the wanted claims. What is not known is left out (Core §5.3.2).
pub(super) fn release(wanted: &BTreeSet<Claim>, profile: &Profile) -> ReleasedClaims {
    let phone = profile.phones.first();
    let email = profile.emails.first();
    let known = ReleasedClaims {
        name: profile.name.as_ref().map(|name| name.as_str().to_owned()),
        phone_number: phone.map(|phone| phone.as_str().to_owned()),
        phone_number_verified: phone.map(|_| true),
        email: email.map(|email| email.as_str().to_owned()),
        // E-mail is not confirmed anywhere yet.
        email_verified: email.map(|_| false),
    };
    known.limited_to(wanted)
}

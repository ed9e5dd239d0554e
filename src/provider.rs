//! Use cases of the OpenID Provider, one file each; no HTTP.

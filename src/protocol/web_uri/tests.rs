use proptest::prelude::*;

use super::*;

#[test]
fn plain_addresses_are_kept_to_the_letter() {
    for text in [
        "https://portal.example/cb",
        "https://portal.example",
        "https://Portal.example:8443/cb?a=b&c=d",
        "https://xn--fiqs8s.example/%E5%9B%9E",
        "http://localhost:8080/cb",
        "http://zhejiang.localhost/cb",
        "http://127.0.0.1:1/a",
        "http://[::1]:9000/cb",
        "https://[2001:db8::1]/cb",
        "https://portal.example/a..b/.well-known/c",
    ] {
        assert_eq!(
            WebUri::parse(text).map(|uri| uri.as_str().to_owned()),
            Ok(text.to_owned())
        );
    }
}

/// Attack cases 1, 2, 3, 5 and 6, at registration.
#[test]
fn odd_spellings_are_refused() {
    use WebUriError as E;
    for (text, error) in [
        ("", E::NotWeb),
        ("/cb", E::NotWeb),
        ("portal.example/cb", E::NotWeb),
        ("https:portal.example/cb", E::NotWeb),
        ("HTTPS://portal.example/cb", E::NotWeb),
        ("ftp://portal.example/cb", E::NotWeb),
        ("javascript:alert(1)", E::NotWeb),
        ("JaVaScRiPt:alert(1)", E::NotWeb),
        ("data:text/html,x", E::NotWeb),
        ("https://portal.example/cb#", E::Fragment),
        ("https://portal.example/cb#a", E::Fragment),
        ("https://user@portal.example/cb", E::UserInfo),
        ("https://user:pw@portal.example/cb", E::UserInfo),
        ("https://a@b@portal.example/cb", E::UserInfo),
        ("https://@portal.example/cb", E::UserInfo),
        ("https://portal.example%40evil.test/cb", E::NotWeb),
        ("https://portal.example\\@evil.test/", E::Character),
        ("https://portal.example/cb\r\nX: y", E::Character),
        ("https://portal.example/cb%0d%0aX", E::Character),
        ("https://portal.example/cb%00", E::Character),
        ("https://portal.example/%5c", E::Character),
        ("https://portal.example/%zz", E::Character),
        ("https://portal.example/cb ", E::Character),
        ("https://门户.example/cb", E::Character),
        ("https://*.example/cb", E::Wildcard),
        ("https://portal.example*/cb", E::Wildcard),
        ("https://portal.example/*", E::Wildcard),
        ("https://portal.example/a/../cb", E::DotSegment),
        ("https://portal.example/./cb", E::DotSegment),
        ("https://portal.example/..;/cb", E::DotSegment),
        ("https://portal.example/%2e%2E/cb", E::DotSegment),
        ("https://portal.example/..", E::DotSegment),
        ("https:///cb", E::Host),
        ("https://portal.example./cb", E::Host),
        ("https://portal..example/cb", E::Host),
        ("https://a;script-src'unsafe-inline'.example/cb", E::Host),
        ("https://a,b.example/cb", E::Host),
        ("http://2130706433/cb", E::Host),
        ("http://127.1/cb", E::Host),
        ("http://0x7f.0.0.1/cb", E::Host),
        ("http://[0:0:0:0:0:0:0:1]/cb", E::Host),
        ("https://%65xample.test/cb", E::Host),
        ("http://portal.example/cb", E::Insecure),
        ("http://127.0.0.2/cb", E::Insecure),
    ] {
        assert_eq!(WebUri::parse(text), Err(error), "{text}");
    }
    let long = format!("https://portal.example/{}", "a".repeat(MAX_LENGTH));
    assert_eq!(WebUri::parse(&long), Err(E::TooLong));
}

/// Attack case 4.
#[test]
fn a_name_that_starts_like_loopback_is_not_loopback() {
    for text in [
        "http://localhost.evil.test/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://evil-localhost/cb",
        "http://notlocalhost/cb",
    ] {
        assert_eq!(WebUri::parse(text), Err(WebUriError::Insecure), "{text}");
    }
}

#[test]
fn host_and_origin() {
    let uri = WebUri::parse("https://Portal.example:8443/cb?x=https://other/").unwrap();
    assert_eq!(uri.host(), "portal.example");
    assert_eq!(uri.origin(), "https://portal.example:8443");
    let uri = WebUri::parse("http://[::1]:9000?x=1").unwrap();
    assert_eq!(uri.host(), "[::1]");
    assert_eq!(uri.origin(), "http://[::1]:9000");
}

proptest! {
    /// An origin goes into a content security policy: it must stay one source expression.
    #[test]
    fn an_origin_stays_within_its_directive(text in "https://[a-z0-9.:;,'!$&()*+=_~-]{1,30}") {
        if let Ok(uri) = WebUri::parse(&text) {
            prop_assert!(!uri.origin().contains([';', ',', '\'', '*', ' ']), "{}", uri.origin());
        }
    }

    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        let _ = WebUri::parse(&text);
    }

    /// Whatever is accepted has the host that the browser's own parser will go to.
    #[test]
    fn the_host_is_the_one_a_browser_goes_to(text in "https?://[a-z0-9.:@%/\\\\\\[\\]?;-]{1,40}") {
        if let Ok(uri) = WebUri::parse(&text) {
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(Some(uri.host()), url.host_str().map(str::to_owned));
            prop_assert!(url.scheme() == "https" || is_loopback(&url.host().unwrap()));
        }
    }
}

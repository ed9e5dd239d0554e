use ApplicationType::{Native, Web};
use proptest::prelude::*;

use super::*;

fn registered(text: &str, application: ApplicationType) -> RedirectUri {
    RedirectUri::register(text, application).unwrap()
}

/// Attack case 1: exact text only.
#[test]
fn every_variant_of_a_registered_uri_is_another_uri() {
    let uri = registered("https://portal.example/cb", Web);
    assert!(uri.matches("https://portal.example/cb", Web));
    for variant in [
        "https://portal.example/cb/",
        "https://portal.example/CB",
        "https://portal.example/cb?",
        "https://portal.example/cb?x=1",
        "https://portal.example/cb#",
        "https://portal.example:443/cb",
        "https://portal.example:8443/cb",
        "http://portal.example/cb",
        "HTTPS://portal.example/cb",
        "https://Portal.example/cb",
        "https://portal.example./cb",
        "https://portal.example/./cb",
        "https://portal.example/a/../cb",
        "https://portal.example/..;/cb",
        "https://portal.example//cb",
        "https://portal.example/%63b",
        "https://portal.example/cb%00",
        "https://portal.example/cb\r\n",
        "https://portal.example\\/cb",
        "https://portal.example@evil.test/cb",
        "https://user@portal.example/cb",
        "https://portal.example%40evil.test/cb",
        "https://portal.example.evil.test/cb",
        " https://portal.example/cb",
        "",
    ] {
        assert!(!uri.matches(variant, Web), "{variant}");
        assert!(!uri.matches(variant, Native), "{variant}");
    }
}

/// RFC 8252 §7.3.
#[test]
fn only_a_native_client_on_a_loopback_address_may_vary_its_port() {
    for address in ["127.0.0.1", "[::1]"] {
        let uri = registered(&format!("http://{address}/cb"), Native);
        let presented = format!("http://{address}:51004/cb");
        assert!(uri.matches(&presented, Native));
        assert!(!uri.matches(&presented, Web));
        assert!(registered(&presented, Native).matches(&format!("http://{address}/cb"), Native));
        for other in [
            ":51004/other",
            ":51004",
            ":/cb",
            ":0/cb",
            ":65536/cb",
            ":51004@evil/cb",
        ] {
            assert!(
                !uri.matches(&format!("http://{address}{other}"), Native),
                "{other}"
            );
        }
    }
    assert!(!registered("http://127.0.0.1/cb", Native).matches("http://[::1]:1/cb", Native));
    let localhost = registered("http://localhost/cb", Native);
    assert!(!localhost.matches("http://localhost:51004/cb", Native));
    let remote = registered("https://portal.example/cb", Native);
    assert!(!remote.matches("https://portal.example:1/cb", Native));
    let prefix = registered("http://127.0.0.1", Native);
    assert!(prefix.matches("http://127.0.0.1:9", Native));
    assert!(!prefix.matches("http://127.0.0.1.evil.test", Native));
}

/// RFC 8252 §7.1; attack case 6.
#[test]
fn private_schemes_are_reverse_domains_of_native_clients() {
    for text in ["cn.gov.example:/cb", "cn.gov.example://cb?x=1"] {
        assert_eq!(registered(text, Native).as_str(), text);
        assert_eq!(
            RedirectUri::register(text, Web),
            Err(RedirectUriError::NotNative)
        );
    }
    for text in [
        "javascript:alert(1)",
        "java.script:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "vbscript:/x",
        "blob:/x",
        "file:///etc/passwd",
        "cn..example:/cb",
        ".cn.example:/cb",
        "cn.gov.example:/cb#x",
        "cn.gov.example:/*",
        "cn.gov.example:/a/../b",
        "Cn.Gov.Example:/cb",
    ] {
        assert!(RedirectUri::register(text, Native).is_err(), "{text}");
    }
}

#[test]
fn the_origin_is_what_form_action_needs() {
    assert_eq!(
        origin_of("https://Portal.example:8443/cb?x"),
        "https://portal.example:8443"
    );
    assert_eq!(
        origin_of("http://127.0.0.1:51004/cb"),
        "http://127.0.0.1:51004"
    );
    assert_eq!(origin_of("cn.gov.example:/cb"), "cn.gov.example:");
}

proptest! {
    #[test]
    fn a_web_client_matches_its_text_and_nothing_else(
        a in "(https://|http://127\\.0\\.0\\.1)[a-z0-9.:/?]{1,20}",
        b in "(https://|http://127\\.0\\.0\\.1)[a-z0-9.:/?]{1,20}",
    ) {
        if let Ok(uri) = RedirectUri::register(&a, Web) {
            prop_assert!(uri.matches(&a, Web));
            prop_assert_eq!(uri.matches(&b, Web), a == b);
        }
    }

    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        if let Ok(uri) = RedirectUri::register(&text, Native) {
            prop_assert!(uri.matches(&text, Native));
            let _ = (uri.host(), origin_of(&text));
        }
        let _ = without_port(&text);
    }

    #[test]
    fn serializes_to_its_text(text in "https://[a-z]{1,8}\\.example/[a-z]{0,5}") {
        let uri = registered(&text, Web);
        let json = serde_json::to_string(&uri).unwrap();
        prop_assert_eq!(serde_json::from_str::<RedirectUri>(&json).unwrap(), uri);
    }
}
